using System.Net;
using System.Net.Sockets;

namespace CozeCluster.Upstreams.Fetching;

/// <summary>Tells addresses that anybody on the Internet may be found at from all others (IANA's registries of special-purpose addresses).</summary>
internal static class PublicAddresses
{
    private static readonly IPNetwork[] ClosedV4 =
    [
        IPNetwork.Parse("0.0.0.0/8"),
        IPNetwork.Parse("10.0.0.0/8"),
        IPNetwork.Parse("100.64.0.0/10"), // Carrier-grade NAT, and where some clouds keep their metadata.
        IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"),
        IPNetwork.Parse("172.16.0.0/12"),
        IPNetwork.Parse("192.0.0.0/24"),
        IPNetwork.Parse("192.0.2.0/24"),
        IPNetwork.Parse("192.88.99.0/24"),
        IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("198.18.0.0/15"),
        IPNetwork.Parse("198.51.100.0/24"),
        IPNetwork.Parse("203.0.113.0/24"),
        IPNetwork.Parse("224.0.0.0/3"), // Multicast, reserved, broadcast.
    ];

    private static readonly IPNetwork OpenV6 = IPNetwork.Parse("2000::/3");

    // Within it; some of these lead to any IPv4 address.
    private static readonly IPNetwork[] ClosedV6 =
        [IPNetwork.Parse("2001::/23"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("2002::/16"), IPNetwork.Parse("3fff::/20")];

    /// <summary>Whether the address is public. IPv4 addresses written as IPv6 ones are not: nothing public has to be.</summary>
    public static bool Contain(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !Array.Exists(ClosedV4, network => network.Contains(address)),
        AddressFamily.InterNetworkV6 => !address.IsIPv4MappedToIPv6 && OpenV6.Contains(address) && !Array.Exists(ClosedV6, network => network.Contains(address)),
        _ => false,
    };
}
