using System.Buffers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Http;

/// <summary>The facts about one HTTP request that handlers share and that its log line contains. It is a feature of the HTTP context.</summary>
internal sealed class RequestInfo
{
    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:");

    public required string RequestId { get; set; }

    /// <summary>When the request arrived, as a timestamp of the time provider.</summary>
    public required long StartedAt { get; init; }

    /// <summary>The key of the request; null until it is authenticated.</summary>
    public RequestKey? Key { get; set; }

    public string? Model { get; set; }

    public string? TurnId { get; set; }

    /// <summary>The number of characters in the prompt. Prompts themselves are never logged.</summary>
    public int PromptLength { get; set; }

    /// <summary>The error that was sent to the client, as a response or inside a stream.</summary>
    public ErrorCode? Error { get; set; }

    /// <summary>The info of a request.</summary>
    public static RequestInfo Of(HttpContext context) => context.Features.GetRequiredFeature<RequestInfo>();

    /// <summary>The key of a request on a route that requires one.</summary>
    public static RequestKey KeyOf(HttpContext context) => Of(context).Key!;

    /// <summary>The tenant of a request on a route that requires a key.</summary>
    public static string TenantIdOf(HttpContext context) => Of(context).Key!.TenantId;

    /// <summary>Tells the client, and the log line, which turn answers a request; several with commas between them.</summary>
    public static void SetTurn(HttpContext context, string turnId)
    {
        Of(context).TurnId = turnId;
        context.Response.Headers["x-turn-id"] = turnId;
    }

    /// <summary>The client's own request id if it is short and plain enough; otherwise a new one.</summary>
    public static string RequestIdFor(HttpRequest request)
    {
        var given = request.Headers["x-request-id"];
        if (given is [{ Length: > 0 and <= 128 } id] && !id.AsSpan().ContainsAnyExcept(IdCharacters)) return id;
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return "req_" + GrainKeys.Encode(random);
    }
}

/// <summary>The API key of a request.</summary>
/// <param name="Hash">See <see cref="GrainKeys.ApiKeyHash"/>.</param>
/// <param name="TenantId">The tenant.</param>
/// <param name="Name">The key's name for people.</param>
/// <param name="ErrorText">See <see cref="ApiKeyInfo.ErrorText"/>.</param>
internal sealed record RequestKey(string Hash, string TenantId, string Name, bool ErrorText)
{
    /// <summary>The key of requests that need none: those of an endpoint that accepts everybody for a tenant. No fleet contains it.</summary>
    public static RequestKey Anonymous(string tenantId) => new($"anonymous:{tenantId}", tenantId, "anonymous", ErrorText: false) { IsAnonymous = true };

    /// <summary>Whether the request came without a key, or with one that nobody has.</summary>
    public bool IsAnonymous { get; private init; }

    /// <summary>See <see cref="ApiKeyDefinition.Models"/>.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>The role of an admin key; null for the key of a tenant.</summary>
    public AdminRole? Role { get; init; }

    /// <summary>Whether the key or its tenant has limits. See <see cref="FleetViewExtensions.HasLimits"/>.</summary>
    public bool IsLimited { get; init; }

    /// <summary>What the tenant last said about its limits per minute, for the headers of the response; null if it has said nothing.</summary>
    public RateStatus? Rates { get; set; }

    /// <summary>See <see cref="ApiKeyDefinition.ShowBot"/>.</summary>
    public bool ShowBot { get; init; }

    /// <summary>Finds who answers the request, for the headers of the response; null before a turn has begun.</summary>
    public Func<ReplySource?>? FindSource { get; set; }

    /// <summary>Whether the key may use a model of its tenant.</summary>
    public bool Allows(string model) => Models.Count == 0 || Models.Contains(model);
}
