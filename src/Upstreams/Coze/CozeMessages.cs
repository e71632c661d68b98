using System.Text;

namespace CozeCluster.Upstreams.Coze;

/// <summary>One message as <c>/v3/chat</c> takes it.</summary>
/// <param name="IsUser">User, or assistant: Coze has no other roles.</param>
/// <param name="Text">Its text; empty only with media.</param>
/// <param name="Media">Images, files and audio; of users only.</param>
internal sealed record CozePrompt(bool IsUser, string Text, IReadOnlyList<ContentPart> Media);

/// <summary>
/// From a prompt to Coze's <c>additional_messages</c>. Coze has no system role: system text goes before the text of the first user message, an empty line between them.
/// Tool calls in a history are told as text of the assistant, because Coze takes them in their own form only where it keeps no history.
/// At most the newest 100 messages are sent, beginning with one of the user's.
/// </summary>
internal static class CozeMessages
{
    /// <summary>Coze's limit.</summary>
    public const int MaxMessages = 100;

    /// <summary>Stands beside media that came without a word: Coze asks for a text there.</summary>
    public const string MediaOnly = "(see attachment)";

    /// <summary>What to send; at least one message.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: nothing is left to send, or a message holds what cannot be sent.</exception>
    public static IReadOnlyList<CozePrompt> Map(IReadOnlyList<ChatMessage> messages)
    {
        var system = new StringBuilder();
        var prompts = new List<CozePrompt>(messages.Count + 1);
        var tools = new Dictionary<string, string>();
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            var media = message.Content.Where(part => part is not TextContent).ToList();
            foreach (var part in media) Check(part, message.Role, i);
            switch (message.Role)
            {
                case ChatRole.System:
                    Append(system, message.Text);
                    break;
                case ChatRole.User:
                    if (message.Text.Length > 0 || media.Count > 0) prompts.Add(new CozePrompt(IsUser: true, message.Text, media));
                    break;
                case ChatRole.Assistant:
                    foreach (var call in message.ToolCalls) tools[call.Id] = call.Name;
                    Add(prompts, [message.Text, .. message.ToolCalls.Select(call => $"(called {call.Name} with {call.Arguments})")]);
                    break;
                case ChatRole.Tool:
                    Add(prompts, [$"({tools.GetValueOrDefault(message.ToolCallId ?? "", "the tool")} returned {message.Text})"]);
                    break;
            }
        }

        for (var most = MaxMessages; ; most--)
        {
            var sent = Newest(prompts, most);
            if (system.Length > 0) Prepend(sent, system.ToString());
            AddTexts(sent);
            if (sent.Count == 0) throw new ClusterException(ErrorCode.InvalidRequest, "There is nothing in the messages that could be sent to the bot.", "messages");
            if (sent.Count <= MaxMessages) return sent;
        }
    }

    private static void Add(List<CozePrompt> prompts, IEnumerable<string> texts)
    {
        var text = string.Join('\n', texts.Where(t => t.Length > 0));
        if (text.Length > 0) prompts.Add(new CozePrompt(IsUser: false, text, []));
    }

    private static void Append(StringBuilder system, string text)
    {
        if (text.Length == 0) return;
        if (system.Length > 0) system.Append("\n\n");
        system.Append(text);
    }

    private static void Check(ContentPart part, ChatRole role, int index)
    {
        if (role != ChatRole.User)
            throw new ClusterException(ErrorCode.InvalidRequest, "Coze bots take images and files in user messages only.", $"messages[{index}].content");
        if (CozeRequest.Source(part) is not ({ Url.Length: > 0 } or { Blob: not null }))
            throw new ClusterException(ErrorCode.InvalidRequest, "An image or file needs an address or bytes.", $"messages[{index}].content");
    }

    // Media alone need a text message of the user's beside them.
    private static void AddTexts(List<CozePrompt> prompts)
    {
        for (var i = 0; i < prompts.Count; i++)
        {
            if (!IsMediaOnly(prompts[i]) || IsUserText(prompts, i - 1) || IsUserText(prompts, i + 1)) continue;
            prompts.Insert(++i, new CozePrompt(IsUser: true, MediaOnly, []));
        }
    }

    private static bool IsMediaOnly(CozePrompt prompt) => prompt.IsUser && prompt.Text.Length == 0;

    private static bool IsUserText(List<CozePrompt> prompts, int index) =>
        index >= 0 && index < prompts.Count && prompts[index] is { IsUser: true, Text.Length: > 0, Media.Count: 0 };

    private static List<CozePrompt> Newest(List<CozePrompt> prompts, int most)
    {
        if (prompts.Count <= most) return [.. prompts];
        var first = prompts.FindIndex(prompts.Count - most, prompt => prompt.IsUser);
        return prompts[(first < 0 ? prompts.Count - most : first)..];
    }

    private static void Prepend(List<CozePrompt> prompts, string system)
    {
        var first = prompts.FindIndex(prompt => prompt.IsUser);
        if (first < 0) prompts.Insert(0, new CozePrompt(IsUser: true, system, []));
        else prompts[first] = prompts[first] with { Text = prompts[first].Text.Length == 0 ? system : $"{system}\n\n{prompts[first].Text}" };
    }
}
