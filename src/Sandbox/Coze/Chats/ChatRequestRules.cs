using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>What <c>/v3/chat</c> asks of a request. Each refusal names the field.</summary>
internal static class ChatRequestRules
{
    private const int MostMessages = 100;
    private static readonly string[] ExtraParams = ["latitude", "longitude"];
    private static readonly string[] PublishStates = ["published_online", "unpublished_draft"];

    /// <exception cref="CozeException">The request breaks a rule.</exception>
    public static void Check(ChatRequest request)
    {
        Require(request.BotId, "bot_id");
        Require(request.UserId, "user_id");
        var save = request.AutoSaveHistory ?? true;
        if (!request.Stream && !save) throw new CozeException(CozeErrors.HistoryNeeded);

        var messages = request.AdditionalMessages ?? [];
        if (messages.Count > MostMessages) throw new CozeException(CozeErrors.TooManyMessages, $"additional_messages holds {messages.Count} messages; at most {MostMessages} are allowed");
        MessageRules.Check(messages, "additional_messages", save);

        MessageRules.CheckMetaData(request.MetaData, "meta_data");
        foreach (var key in request.ExtraParams?.Keys ?? Enumerable.Empty<string>())
            if (!ExtraParams.Contains(key)) throw new CozeException(CozeErrors.Parameters, $"extra_params.{key} is unknown; only latitude and longitude are allowed");
        if (request.PublishStatus is { } state && !PublishStates.Contains(state))
            throw new CozeException(CozeErrors.Parameters, $"publish_status '{state}' is neither published_online nor unpublished_draft");
        if (request.ShortcutCommand is { } command)
        {
            Require(command.CommandId, "shortcut_command.command_id");
            foreach (var (name, value) in command.Parameters ?? []) MessageRules.ReadItem(value, $"shortcut_command.parameters.{name}");
        }
    }

    private static void Require(string? value, string name)
    {
        if (string.IsNullOrEmpty(value)) throw new CozeException(CozeErrors.Parameters, $"{name} is required");
    }
}
