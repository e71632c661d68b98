using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>A chat completion request as the Bridge understood it: its messages become one prompt, in one of four ways.</summary>
/// <param name="Model">The requested model; null: none.</param>
/// <param name="Stream">Whether to answer with server-sent events. Default true.</param>
/// <param name="Text">The prompt.</param>
/// <param name="Messages">The messages.</param>
internal sealed record CdbChatRequest(string? Model, bool Stream, string Text, MessageReader Messages)
{
    /// <summary>Names that choose a model and not a conversation, also where the tenant has no such model.</summary>
    private static readonly HashSet<string> KnownModels = new(StringComparer.Ordinal)
    {
        "gpt4", "gpt-4-0314", "gpt-4-0613", "gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32-0613", "gpt-4-turbo-preview", "gpt-4-1106-preview", "gpt-4-0125-preview",
        "gpt-4-vision-preview", "gpt-3.5-turbo", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-1196", "gpt-3.5-turbo-16k-0613", "gemini-pro",
    };

    /// <summary>Reads a request.</summary>
    /// <returns>The request; null if it has no messages.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static CdbChatRequest? Read(CdbParameters parameters, CdbOptions options)
    {
        var model = parameters.Text("model");
        var stream = parameters.Flag("stream") ?? true;
        return parameters.Json("messages", (given, path) =>
        {
            var messages = new MessageReader();
            messages.Read(given, path);
            // The roles as the client has written them.
            var roles = given.EnumerateArray().Select(message => message.GetProperty("role").GetString()!).ToList();
            var text = Flatten(options, messages.Messages, roles);
            if (string.IsNullOrWhiteSpace(text)) throw path.Invalid("Invalid 'messages': expected some text.");
            return new CdbChatRequest(string.IsNullOrEmpty(model) ? null : model, stream, text, messages);
        });
    }

    /// <summary>The name of the conversation that receives the prompt.</summary>
    public string FindConversation(CdbOptions options, IReadOnlyList<ModelInfo> models) => options.Flatten switch
    {
        CdbFlatten.LastByModel when Model is not null => Model,
        CdbFlatten.AllByModel when Model is not null && !KnownModels.Contains(Model) && models.All(model => model.Id != Model) => Model,
        _ => options.DefaultConversation,
    };

    private static string Flatten(CdbOptions options, IReadOnlyList<ChatMessage> messages, IReadOnlyList<string> roles)
    {
        if (options.Flatten == CdbFlatten.LastByModel) return FlatPrompt.TextOf(messages[^1]);
        if (options.Flatten == CdbFlatten.LastOfUser)
        {
            for (var i = messages.Count - 1; i >= 0; i--)
            {
                if (roles[i] == "user") return FlatPrompt.TextOf(messages[i]);
            }
            return "";
        }
        var lines = string.Join('\n', messages.Select((message, index) => $"{roles[index]}:{FlatPrompt.TextOf(message)}"));
        string[] pieces = [options.Prefix, lines, options.Suffix];
        return string.Join("\n\n", pieces.Where(piece => piece.Length > 0));
    }
}
