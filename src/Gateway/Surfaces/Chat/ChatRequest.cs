using System.Collections.ObjectModel;
using CozeCluster.Gateway.Surfaces.Conversations;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>The checked body of a chat completion request.</summary>
internal sealed record ChatRequest
{
    /// <summary>The most choices of one request.</summary>
    public const int MaxChoices = 8;

    public required string Model { get; init; }

    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>Media in the request's body. The messages are complete once it is in the blob store.</summary>
    public required IReadOnlyList<Upload> Uploads { get; init; }

    /// <summary>Fields that ask for something and were ignored; see <see cref="ModelDefinition.RefusesTools"/>.</summary>
    public IReadOnlyList<string> IgnoredFields { get; init; } = [];

    public bool Stream { get; init; }

    public bool IncludeUsage { get; init; }

    /// <summary>How many choices the client wants, from 1 to <see cref="MaxChoices"/>. More than one are answered by <see cref="ChatChoices"/>.</summary>
    public int Choices { get; init; } = 1;

    public string? ConversationName { get; init; }

    public string? User { get; init; }

    /// <summary>See <see cref="TurnRequest.Variables"/>.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>See <see cref="TurnRequest.Metadata"/>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Results of tool calls for an earlier turn of this service; empty if there are none.</summary>
    public IReadOnlyList<ToolOutput> ToolOutputs { get; init; } = [];

    /// <summary>The id of the turn that waits for <see cref="ToolOutputs"/>; null if there are none.</summary>
    public string? WaitingTurnId { get; init; }

    /// <summary>The client's settings for language models.</summary>
    public GenerationSettings Settings { get; init; } = GenerationSettings.None;

    /// <summary>See <see cref="TurnRequest.Channel"/>.</summary>
    public string? Channel { get; init; }

    /// <summary>The number of text characters in the prompt.</summary>
    public int PromptLength { get; init; }

    /// <summary>The SHA-256 of the body.</summary>
    public required string Fingerprint { get; init; }
}

/// <summary>A media part whose bytes must be put into the blob store.</summary>
/// <param name="Parts">The parts of its message.</param>
/// <param name="Index">The index in <paramref name="Parts"/> that the part will have.</param>
/// <param name="Media">The bytes.</param>
/// <param name="CreatePart">Creates the part after the bytes are stored.</param>
internal sealed record Upload(List<ContentPart> Parts, int Index, Media Media, Func<MediaSource, ContentPart> CreatePart);

/// <summary>Decoded bytes with their file name and media type.</summary>
internal sealed record Media(string Name, string ContentType, ReadOnlyMemory<byte> Bytes);

/// <summary>The settings of a turn that a chat completion request has in its headers.</summary>
/// <param name="ConversationName">The name of the conversation, from the header or the body; null if there is none.</param>
/// <param name="IdempotencyKey">Requests with the same key get the same turn; null if there is none.</param>
/// <param name="Survive">Whether the turn continues when its client disconnects.</param>
internal sealed record TurnHeaders(string? ConversationName, string? IdempotencyKey, bool Survive)
{
    private const int MaxIdempotencyKey = 255;

    /// <summary>The tenant's own credential of an upstream; null if there is none.</summary>
    public RequestCredential? Credential { get; init; }

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the header.</exception>
    public static TurnHeaders Read(HttpRequest http, ChatRequest request)
    {
        var name = request.ConversationName;
        if (ReadHeader(http, "x-conversation-id") is { } headerName)
        {
            ConversationNames.CheckNew(headerName, "x-conversation-id");
            if (name is not null && name != headerName)
            {
                throw new ClusterException(
                    ErrorCode.InvalidRequest,
                    "The header 'x-conversation-id' and the field 'conversation_id' name different conversations. Send only one of them.", "conversation_id");
            }
            name = headerName;
        }
        var key = ReadHeader(http, "idempotency-key");
        if (key?.Length > MaxIdempotencyKey)
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, $"Invalid 'idempotency-key': expected at most {MaxIdempotencyKey} characters, but got {key.Length}.",
                "idempotency-key");
        }
        return new TurnHeaders(name, key, ReadSurvive(ReadHeader(http, "x-turn-survive")));
    }

    private static bool ReadSurvive(string? value) => value switch
    {
        null or "false" or "0" => false,
        "true" or "1" => true,
        _ => throw new ClusterException(ErrorCode.InvalidRequest, "Invalid 'x-turn-survive': expected \"true\" or \"false\".", "x-turn-survive"),
    };

    private static string? ReadHeader(HttpRequest http, string header)
    {
        var values = http.Headers[header];
        if (values.Count > 1) throw new ClusterException(ErrorCode.InvalidRequest, $"The header '{header}' was sent more than once. Send it once.", header);
        return values.Count == 0 || values[0] is not { Length: > 0 } value ? null : value;
    }
}
