using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Conversations;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>A request that becomes a turn, whatever form its body has.</summary>
internal sealed record AiProxyRequest
{
    /// <summary>
    /// The value of <c>provider</c>, which is also the name of the object that each chunk of the answer has: <c>coze</c>, <c>claude</c> or <c>gemini</c>.
    /// </summary>
    public required string Provider { get; init; }

    /// <summary>The model; null if the request names none.</summary>
    public required string? Model { get; init; }

    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    public required IReadOnlyList<Upload> Uploads { get; init; }

    public required int PromptLength { get; init; }

    /// <summary>The client's settings. Only language models use them.</summary>
    public GenerationSettings Settings { get; init; } = GenerationSettings.None;

    /// <summary>The client's id of a key (<c>index</c>); null if there is none.</summary>
    public string? Index { get; init; }

    /// <summary>What the client says about its conversation with a bot of Coze; null for other providers.</summary>
    public CozeTurn? Coze { get; init; }
}

/// <summary>The conversation with a bot of Coze, from the body and the headers of a request.</summary>
/// <param name="BotId">The bot, by its id in the fleet or at Coze; null: that of the model.</param>
/// <param name="User">The end user; null: none.</param>
/// <param name="ConversationId">The name of the conversation; null: a new one.</param>
internal sealed record CozeTurn(string? BotId, string? User, string? ConversationId);

/// <summary>Reads the body of <c>POST /c/v1/chat/completions</c> for the providers whose requests become turns.</summary>
internal static class AiProxyRequestReader
{
    public const string Coze = "coze";
    private const int MaxIdLength = 256;

    /// <summary>Reads a request.</summary>
    /// <param name="root">The body.</param>
    /// <param name="provider">The provider.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: it names the field. <see cref="ErrorCode.NotImplemented"/>: the request is for a web page of a provider.
    /// </exception>
    public static AiProxyRequest Read(JsonElement root, string provider)
    {
        var path = JsonFieldPath.Root;
        var extra = ReadObject(root, provider, path);
        var messages = new MessageReader();
        messages.Read(JsonInput.GetMember(root, "messages", path), path["messages"]);
        var request = new AiProxyRequest
        {
            Provider = provider,
            Model = ReadText(root, "model", path),
            Messages = messages.Messages,
            Uploads = messages.Uploads,
            PromptLength = messages.Length,
        };
        if (provider == Coze) return WithLastMessage(request) with { Coze = ReadConversation(extra, path["coze"]) };
        if (extra is { } given && ReadText(given, "type", path[provider]) is { } type && type != "api") throw ClosedRoutes.WebPage(provider);
        return request with
        {
            Settings = SettingsReader.ReadWithoutTools(root),
            Index = extra is { } named ? ReadText(named, "index", path[provider]) : null,
        };
    }

    /// <summary>Reads an optional text. An empty one is none.</summary>
    public static string? ReadText(JsonElement value, string name, JsonFieldPath path) =>
        JsonInput.FindText(value, name, path, MaxIdLength);

    /// <summary>The bot remembers its conversation, so only the last message of the user is its prompt.</summary>
    private static AiProxyRequest WithLastMessage(AiProxyRequest request)
    {
        var last = request.Messages.LastOrDefault(message => message.Role == ChatRole.User)
            ?? throw new ClusterException(ErrorCode.InvalidRequest, "Invalid 'messages': expected a message of the user.", "messages");
        return request with
        {
            Messages = [last],
            Uploads = [.. request.Uploads.Where(upload => ReferenceEquals(upload.Parts, last.Content))],
            PromptLength = last.Text.Length,
        };
    }

    private static CozeTurn ReadConversation(JsonElement? extra, JsonFieldPath path)
    {
        if (extra is not { } coze || ReadObject(coze, "conversation", path) is not { } conversation) return new CozeTurn(null, null, null);
        path = path["conversation"];
        var name = ReadText(conversation, "conversation_id", path);
        return new CozeTurn(
            ReadText(conversation, "bot_id", path), ReadText(conversation, "user", path),
            name is null ? null : ConversationNames.CheckNew(name, "coze.conversation.conversation_id"));
    }

    private static JsonElement? ReadObject(JsonElement value, string name, JsonFieldPath path)
    {
        if (JsonInput.FindMember(value, name) is not { } member) return null;
        JsonInput.CheckObject(member, path[name]);
        return member;
    }
}
