using System.Collections.ObjectModel;

namespace CozeCluster;

/// <summary>
/// An address at which the node answers as an older system does. An endpoint matches a request if all of <see cref="Port"/>, <see cref="Host"/> and
/// <see cref="Path"/> that are set match; of several, the one with the most of them is used.
/// </summary>
[GenerateSerializer, Immutable, Alias("endpoint-definition")]
public sealed record EndpointDefinition
{
    /// <summary>
    /// The value of <see cref="RequestsPerMinute"/> for addresses of other machines, at an endpoint with <see cref="Anonymous"/> that does not set it: enough
    /// for the people behind one address, and too few for a program that uses up what bots may do.
    /// </summary>
    public const int AnonymousRequestsPerMinute = 120;

    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The port on which the request arrived; null: any.</summary>
    [Id(1)]
    public int? Port { get; init; }

    /// <summary>The host name of the request without its port, in lower case; null: any.</summary>
    [Id(2)]
    public string? Host { get; init; }

    /// <summary>The beginning of the path, such as <c>/old</c>. Routes are matched without it. Null: any path.</summary>
    [Id(3)]
    public string? Path { get; init; }

    /// <summary>Whose API it has. Default: none, only the standard API.</summary>
    [Id(4)]
    public CompatMode Compat { get; init; }

    /// <summary>The tenant of requests whose key is missing or not known; null: such requests are refused.</summary>
    [Id(5)]
    public string? Anonymous { get; init; }

    /// <summary>
    /// The maximum number of requests of one client address within a minute; null: <see cref="AnonymousRequestsPerMinute"/> for requests without a valid key
    /// from other machines if <see cref="Anonymous"/> is set, otherwise no limit.
    /// </summary>
    [Id(6)]
    public int? RequestsPerMinute { get; init; }

    /// <summary>The networks, in CIDR notation, whose clients may use it; empty: all.</summary>
    [Id(7)]
    public IReadOnlyList<string> Networks { get => field ?? []; init; }

    /// <summary>Settings that only the surface of this mode understands.</summary>
    [Id(8)]
    public IReadOnlyDictionary<string, string> Options { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }
}

/// <summary>Whose API a request uses, where an older system has another API at the same addresses. The numbers are stored: never change them.</summary>
[GenerateSerializer, Alias("compat-mode")]
public enum CompatMode
{
    /// <summary>The standard API only.</summary>
    None = 0,

    /// <summary>coze-discord-proxy.</summary>
    Cdp = 1,

    /// <summary>coze-chat-proxy.</summary>
    Ccp = 2,

    /// <summary>Coze-Discord-Bridge.</summary>
    Cdb = 3,

    /// <summary>Real-Coze-API.</summary>
    Rca = 4,

    /// <summary>aiproxy.</summary>
    AiProxy = 5,
}

/// <summary>Another name under which a tenant uses a model.</summary>
/// <param name="Name">The name that clients send. Each <c>*</c> matches any text, also an empty one.</param>
/// <param name="Model">The id of a model that the tenant may use.</param>
[GenerateSerializer, Immutable, Alias("model-alias")]
public sealed record ModelAlias(string Name, string Model)
{
    /// <summary>Whether the name has a <c>*</c>.</summary>
    public bool IsPattern => Name.Contains('*', StringComparison.Ordinal);

    /// <summary>Whether a name that a client has sent matches. Upper and lower case differ.</summary>
    public bool Matches(string name)
    {
        if (!IsPattern) return Name == name;
        var parts = Name.Split('*');
        if (name.Length < parts[0].Length + parts[^1].Length || !name.StartsWith(parts[0], StringComparison.Ordinal)) return false;
        if (!name.EndsWith(parts[^1], StringComparison.Ordinal)) return false;
        var rest = name.AsSpan(parts[0].Length, name.Length - parts[0].Length - parts[^1].Length);
        foreach (var part in parts.AsSpan(1, parts.Length - 2))
        {
            var at = rest.IndexOf(part, StringComparison.Ordinal);
            if (at < 0) return false;
            rest = rest[(at + part.Length)..];
        }
        return true;
    }
}
