using System.Net;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>endpoints</c>.</summary>
internal static class EndpointSection
{
    private const int MaxEndpoints = 100;
    private const string ExpectedHost = "a host name in lower case, without a port";
    private const string ExpectedPath = "a path such as /old: one or more parts of a-z 0-9 - _, without a slash at the end";
    private const string ExpectedNetwork = "an IP address, or a network such as 10.0.0.0/8";

    private static readonly (string Name, CompatMode Mode)[] Modes =
    [
        ("none", CompatMode.None), ("cdp", CompatMode.Cdp), ("ccp", CompatMode.Ccp), ("cdb", CompatMode.Cdb), ("rca", CompatMode.Rca),
        ("aiproxy", CompatMode.AiProxy),
    ];

    public static IReadOnlyList<DeclaredEndpoint> Read(FleetField section)
    {
        var endpoints = section.List("endpoint");
        if (endpoints.Count > MaxEndpoints) section.Report($"There are more than {MaxEndpoints} endpoints.");
        return [.. endpoints.Select(item => item.Map(ReadEndpoint)).OfType<DeclaredEndpoint>()];
    }

    /// <summary>Reads the name of a mode.</summary>
    public static CompatMode ReadCompat(FleetField field)
    {
        var expected = string.Join(", ", Modes.Select(mode => mode.Name));
        var name = field.Text(text => Modes.Any(mode => mode.Name == text), $"one of {expected}");
        return Modes.FirstOrDefault(mode => mode.Name == name).Mode;
    }

    /// <summary>The name of a mode.</summary>
    public static string NameOf(CompatMode mode) => Modes.First(known => known.Mode == mode).Name;

    /// <summary>Reports endpoints that accept requests without a key, if other machines can reach them.</summary>
    /// <param name="declared">The fleet.</param>
    /// <param name="isReachable">Whether other machines can reach the node.</param>
    public static void Check(Declared declared, bool isReachable)
    {
        if (!isReachable || (declared.AllowWeakKeys.Flag() ?? false)) return;
        foreach (var endpoint in declared.Endpoints.Where(endpoint => endpoint.Definition.Anonymous is not null))
        {
            endpoint.AnonymousAt.Report(
                "Requests without a key are accepted here, and other machines can reach the node. Remove this, or write 'allow_weak_keys: true' at the top "
                + "level of the file.");
        }
    }

    /// <summary>What operators should know about the endpoints.</summary>
    public static IReadOnlyList<string> Warnings(Declared declared) =>
    [
        .. from endpoint in declared.Endpoints
           where endpoint.Definition.Anonymous is not null
           let limit = endpoint.Definition.RequestsPerMinute ?? EndpointDefinition.AnonymousRequestsPerMinute
           select $"Endpoint {endpoint.Definition.Id} accepts requests without a key. They act for the tenant {endpoint.Definition.Anonymous}; "
               + $"each address of another machine may send {limit} a minute",
    ];

    private static DeclaredEndpoint ReadEndpoint(FleetMap map)
    {
        var id = map.Required("id");
        var anonymous = map.Optional("anonymous");
        var networks = map.Optional("networks");
        var compat = ReadCompat(map.Optional("compat"));
        var options = map.Optional("options");
        var definition = new EndpointDefinition
        {
            Id = id.Id(),
            Port = map.Optional("port").Number(1, 65535),
            Host = map.Optional("host").Text(text => Uri.CheckHostName(text) != UriHostNameType.Unknown && text == text.ToLowerInvariant(), ExpectedHost),
            Path = map.Optional("path").Text(IsPath, ExpectedPath),
            Compat = compat,
            Anonymous = anonymous.Text(),
            RequestsPerMinute = map.Optional("requests_per_minute").Number(1, 1_000_000),
            Networks = networks.Exists ? [.. networks.List("network").Select(ReadNetwork).OfType<string>()] : [],
            Options = CompatOptions.Read(options, compat),
        };
        if (definition is { Port: null, Host: null, Path: null }) map.Report("Expected at least one of 'port', 'host' and 'path'.");
        return new DeclaredEndpoint(id, anonymous, definition, options.Entries());
    }

    private static bool IsPath(string text) =>
        text.Length <= 100 && text[0] == '/'
        && text[1..].Split('/').All(part => part.Length > 0 && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'));

    private static string? ReadNetwork(FleetField field)
    {
        if (field.Text(text => IPAddress.TryParse(text, out _) || IPNetwork.TryParse(text, out _), ExpectedNetwork) is not { } text) return null;
        return IPAddress.TryParse(text, out var address) ? $"{address}/{(address.GetAddressBytes().Length == 4 ? 32 : 128)}" : text;
    }
}
