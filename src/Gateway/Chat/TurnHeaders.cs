using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Chat;

/// <summary>What a chat request says in headers.</summary>
/// <param name="ConversationName">From header or body.</param>
/// <param name="IdempotencyKey">The same key means the same turn.</param>
/// <param name="Survive">Whether the turn goes on without its client.</param>
internal sealed record TurnHeaders(string? ConversationName, string? IdempotencyKey, bool Survive)
{
    private const int MaxIdempotencyKey = 255;

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, naming the header.</exception>
    public static TurnHeaders Read(HttpRequest http, ChatRequest request)
    {
        var name = request.ConversationName;
        if (One(http, "x-conversation-id") is { } given)
        {
            ConversationNames.Check(given, "x-conversation-id");
            if (name is not null && name != given)
                throw new ClusterException(ErrorCode.InvalidRequest, "The header 'x-conversation-id' and the field 'conversation_id' name different conversations.", "conversation_id");
            name = given;
        }
        var key = One(http, "idempotency-key");
        if (key?.Length > MaxIdempotencyKey)
            throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid 'idempotency-key': expected at most {MaxIdempotencyKey} characters, but got {key.Length}.", "idempotency-key");
        return new TurnHeaders(name, key, Survives(One(http, "x-turn-survive")));
    }

    private static bool Survives(string? value) => value switch
    {
        null or "false" or "0" => false,
        "true" or "1" => true,
        _ => throw new ClusterException(ErrorCode.InvalidRequest, "Invalid 'x-turn-survive': expected \"true\" or \"false\".", "x-turn-survive"),
    };

    private static string? One(HttpRequest http, string header)
    {
        var values = http.Headers[header];
        if (values.Count > 1) throw new ClusterException(ErrorCode.InvalidRequest, $"The header '{header}' was sent more than once.", header);
        return values.Count == 0 || values[0] is not { Length: > 0 } value ? null : value;
    }
}
