using System.Net;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Limits the wrong API keys that a client address sends. Valid keys from that address are always accepted, because many clients may share it. Thread-safe.
/// </summary>
internal sealed partial class WrongKeys(TimeProvider time, ILogger<WrongKeys> logger)
{
    /// <summary>The number of wrong keys that get 401 within <see cref="AddressCounts.Window"/>. Further ones get 429 until its end.</summary>
    public const int Limit = 20;

    private readonly AddressCounts _counts = new(time);
    private readonly Lock _gate = new();
    private long? _lastWarning;

    /// <summary>The number of addresses that are counted on their own.</summary>
    public int Addresses => _counts.Addresses;

    /// <summary>Counts a wrong key.</summary>
    /// <returns>Until when the address gets 429; null if it has not reached its limit.</returns>
    public DateTimeOffset? Add(IPAddress? address)
    {
        var network = ClientNetwork.Of(address);
        if (_counts.Add("", network, Limit) is not { } until) return null;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_lastWarning is { } last && time.GetElapsedTime(last, now) < AddressCounts.Window) return until;
            _lastWarning = now;
        }
        LogLimited(network, Limit, until);
        return until;
    }

    [LoggerMessage(
        50, LogLevel.Warning,
        "The client address {Network} has sent {Limit} wrong API keys within a minute. Its wrong keys get 429 until {Until:u}; valid keys are accepted")]
    private partial void LogLimited(ClientNetwork network, int limit, DateTimeOffset until);
}
