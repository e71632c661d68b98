using System.Net;
using System.Runtime.CompilerServices;

namespace CozeCluster.Gateway.Http;

/// <summary>Checks whether an address is in one of the ranges of a key or an endpoint. Thread-safe.</summary>
internal static class AddressRanges
{
    // The fleet's view has one object for each key and endpoint, until it changes. So each list is parsed once.
    private static readonly ConditionalWeakTable<object, IPNetwork[]> Parsed = [];

    /// <param name="owner">The object of the fleet that has the ranges.</param>
    /// <param name="ranges">The ranges in CIDR notation. A range that cannot be read contains nothing.</param>
    /// <param name="address">The address; null, if it is not known, is in no range.</param>
    public static bool Contain(object owner, IReadOnlyList<string> ranges, IPAddress? address)
    {
        if (address is null) return false;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (!Parsed.TryGetValue(owner, out var parsed)) Parsed.AddOrUpdate(owner, parsed = Parse(ranges));
        return Array.Exists(parsed, range => range.Contains(address));
    }

    private static IPNetwork[] Parse(IReadOnlyList<string> ranges) =>
        [.. ranges.Select(text => IPNetwork.TryParse(text, out var range) ? range : (IPNetwork?)null).OfType<IPNetwork>()];
}
