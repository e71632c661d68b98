using System.Buffers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Http;

/// <summary>What is known of the request at hand: for its log line, and for whoever handles it. A feature of the HTTP context.</summary>
internal sealed class Call
{
    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:");

    public required string RequestId { get; init; }

    public required long StartedAt { get; init; }

    /// <summary>What the caller's key opens; set on tenant routes.</summary>
    public ApiKeyInfo? Key { get; set; }

    public string? Model { get; set; }

    public string? TurnId { get; set; }

    /// <summary>Characters of the prompt: prompts themselves are never logged.</summary>
    public int PromptLength { get; set; }

    /// <summary>The error the client was told, in whatever way.</summary>
    public ErrorCode? Error { get; set; }

    /// <summary>The call a request belongs to.</summary>
    public static Call Of(HttpContext context) => context.Features.GetRequiredFeature<Call>();

    /// <summary>The tenant of a request on a tenant route.</summary>
    public static string TenantOf(HttpContext context) => Of(context).Key!.TenantId;

    /// <summary>The client's own request id if it is sane, else a new one.</summary>
    public static string RequestIdFor(HttpRequest request)
    {
        var given = request.Headers["x-request-id"];
        if (given is [{ Length: > 0 and <= 128 } id] && !id.AsSpan().ContainsAnyExcept(IdCharacters)) return id;
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return "req_" + GrainKeys.Encode(random);
    }
}
