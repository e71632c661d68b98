using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Limits the wrong API keys that a client address sends. Valid keys from that address are always accepted, because many clients may share it. The number of
/// addresses in memory is bounded: those without room share one count. Thread-safe.
/// </summary>
internal sealed partial class WrongKeys(TimeProvider time, ILogger<WrongKeys> logger)
{
    /// <summary>The number of wrong keys that get 401 within <see cref="Window"/>. Further ones get 429 until its end.</summary>
    public const int Limit = 20;

    /// <summary>The maximum number of addresses that are counted on their own.</summary>
    public const int MaxAddresses = 10_000;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClientNetwork, Count> _counts = [];
    private readonly Count _others = new();
    private long? _lastSweep;
    private long? _lastWarning;

    /// <summary>The number of addresses that are counted on their own.</summary>
    public int Addresses
    {
        get
        {
            lock (_gate) return _counts.Count;
        }
    }

    /// <summary>Counts a wrong key.</summary>
    /// <returns>Until when the address gets 429; null if it has not reached its limit.</returns>
    public DateTimeOffset? Add(IPAddress? address)
    {
        var network = ClientNetwork.Of(address);
        DateTimeOffset until;
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var count = CountOf(network, now);
            if (time.GetElapsedTime(count.Since, now) >= Window) (count.Since, count.Keys) = (now, 0);
            if (count.Keys < Limit)
            {
                count.Keys++;
                return null;
            }
            until = time.GetUtcNow() + (Window - time.GetElapsedTime(count.Since, now));
            if (_lastWarning is { } last && time.GetElapsedTime(last, now) < Window) return until;
            _lastWarning = now;
        }
        LogLimited(network, Limit, until);
        return until;
    }

    private Count CountOf(ClientNetwork network, long now)
    {
        if (_counts.TryGetValue(network, out var known)) return known;
        if (_counts.Count >= MaxAddresses) Sweep(now);
        if (_counts.Count >= MaxAddresses) return _others;
        return _counts[network] = new Count { Since = now };
    }

    private void Sweep(long now)
    {
        if (_lastSweep is { } last && time.GetElapsedTime(last, now) < SweepInterval) return;
        _lastSweep = now;
        foreach (var (network, count) in _counts)
        {
            if (time.GetElapsedTime(count.Since, now) >= Window) _counts.Remove(network);
        }
    }

    [LoggerMessage(
        50, LogLevel.Warning,
        "The client address {Network} has sent {Limit} wrong API keys within a minute. Its wrong keys get 429 until {Until:u}; valid keys are accepted")]
    private partial void LogLimited(ClientNetwork network, int limit, DateTimeOffset until);

    private sealed class Count
    {
        public long Since { get; set; }

        public int Keys { get; set; }
    }
}

/// <summary>What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, because a client of IPv6 has a whole such network.</summary>
/// <param name="IsIPv6">Whether it is a network of IPv6.</param>
/// <param name="Bits">The address, or the 64 bits.</param>
internal readonly record struct ClientNetwork(bool IsIPv6, ulong Bits)
{
    public static ClientNetwork Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null) return default;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new(true, BinaryPrimitives.ReadUInt64BigEndian(bytes))
            : new(false, BinaryPrimitives.ReadUInt32BigEndian(bytes));
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (IsIPv6)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, Bits);
            return $"{new IPAddress(bytes)}/64";
        }
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Bits);
        return new IPAddress(bytes[..4]).ToString();
    }
}
