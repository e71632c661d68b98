using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Counts what client addresses do within a minute. The number of addresses in memory is bounded: those without room share one count. Thread-safe.
/// </summary>
internal sealed class AddressCounts(TimeProvider time)
{
    /// <summary>The maximum number of addresses that are counted on their own.</summary>
    public const int MaxAddresses = 10_000;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Scope, ClientNetwork Network), Count> _counts = [];
    private readonly Count _others = new();
    private long? _lastSweep;

    /// <summary>The number of addresses that are counted on their own.</summary>
    public int Addresses
    {
        get
        {
            lock (_gate) return _counts.Count;
        }
    }

    /// <summary>Counts one more, unless the limit is reached.</summary>
    /// <param name="scope">What is counted. Scopes have separate counts.</param>
    /// <param name="network">The client.</param>
    /// <param name="limit">The maximum count within <see cref="Window"/>.</param>
    /// <returns>When the window ends, if the limit was reached; null if it was not.</returns>
    public DateTimeOffset? Add(string scope, ClientNetwork network, int limit)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var count = CountOf((scope, network), now);
            if (time.GetElapsedTime(count.Since, now) >= Window) (count.Since, count.Value) = (now, 0);
            if (count.Value >= limit) return time.GetUtcNow() + (Window - time.GetElapsedTime(count.Since, now));
            count.Value++;
            return null;
        }
    }

    private Count CountOf((string Scope, ClientNetwork Network) key, long now)
    {
        if (_counts.TryGetValue(key, out var known)) return known;
        if (_counts.Count >= MaxAddresses) Sweep(now);
        if (_counts.Count >= MaxAddresses) return _others;
        return _counts[key] = new Count { Since = now };
    }

    private void Sweep(long now)
    {
        if (_lastSweep is { } last && time.GetElapsedTime(last, now) < SweepInterval) return;
        _lastSweep = now;
        foreach (var (key, count) in _counts)
        {
            if (time.GetElapsedTime(count.Since, now) >= Window) _counts.Remove(key);
        }
    }

    private sealed class Count
    {
        public long Since { get; set; }

        public int Value { get; set; }
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
