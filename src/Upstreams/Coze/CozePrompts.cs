using System.Text;

namespace CozeCluster.Upstreams.Coze;

/// <summary>One message of a prompt as <c>/v3/chat</c> accepts it.</summary>
/// <param name="IsUser">True for the user, false for the assistant. Coze has no other roles.</param>
/// <param name="Text">The text; empty only with media.</param>
/// <param name="Media">Images, files and audio; only of users.</param>
internal sealed record CozePrompt(bool IsUser, string Text, IReadOnlyList<ContentPart> Media);

/// <summary>
/// Translates the messages of a turn into Coze's <c>additional_messages</c>. Coze has no system role, so system texts at the beginning are written before the
/// text of the first user message, separated by an empty line, and later ones are user messages in their place. Tool calls in a history become text of the
/// assistant, because Coze accepts its own form of them only where it keeps no history. At most the newest <see cref="CozeLimits.MaxMessages"/> messages are
/// sent, beginning with a user message.
/// </summary>
internal static class CozePrompts
{
    /// <summary>The text beside media without any text: Coze requires one.</summary>
    public const string MediaOnly = "(see attachment)";

    /// <summary>Translates messages into at least one prompt message.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: nothing is left to send, or a message contains something that cannot be sent.
    /// </exception>
    public static IReadOnlyList<CozePrompt> FromMessages(IReadOnlyList<ChatMessage> messages)
    {
        var system = new StringBuilder();
        var prompts = new List<CozePrompt>(messages.Count + 1);
        var toolNames = new Dictionary<string, string>();
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            var media = message.Content.Where(part => part is not TextContent).ToList();
            foreach (var part in media) CheckMedia(part, message.Role, i);
            switch (message.Role)
            {
                case ChatRole.System when prompts.Count == 0:
                    AppendParagraph(system, message.Text);
                    break;
                case ChatRole.System or ChatRole.User:
                    if (message.Text.Length > 0 || media.Count > 0) prompts.Add(new CozePrompt(IsUser: true, message.Text, media));
                    break;
                case ChatRole.Assistant:
                    foreach (var call in message.ToolCalls) toolNames[call.Id] = call.Name;
                    AddAssistant(prompts, [message.Text, .. message.ToolCalls.Select(call => $"(called {call.Name} with {call.Arguments})")]);
                    break;
                case ChatRole.Tool:
                    AddAssistant(prompts, [$"({toolNames.GetValueOrDefault(message.ToolCallId ?? "", "the tool")} returned {message.Text})"]);
                    break;
            }
        }

        // Added texts may exceed the limit again. If so, one more message is dropped.
        for (var most = CozeLimits.MaxMessages; ; most--)
        {
            var sent = TakeNewest(prompts, most);
            if (system.Length > 0) PrependSystem(sent, system.ToString());
            AddTextsToMedia(sent);
            if (sent.Count == 0)
                throw new ClusterException(ErrorCode.InvalidRequest, "The messages contain nothing that can be sent to the bot. Add a text.", "messages");
            if (sent.Count <= CozeLimits.MaxMessages) return sent;
        }
    }

    /// <summary>The source of a media part; null for text.</summary>
    public static MediaSource? GetSource(this ContentPart part) => part switch
    {
        ImageContent image => image.Source,
        FileContent file => file.Source,
        AudioContent audio => audio.Source,
        _ => null,
    };

    private static void CheckMedia(ContentPart part, ChatRole role, int index)
    {
        if (role != ChatRole.User)
            throw new ClusterException(ErrorCode.InvalidRequest, "Coze bots accept images and files in user messages only.", $"messages[{index}].content");
        if (part.GetSource() is not ({ Url.Length: > 0 } or { Blob: not null }))
            throw new ClusterException(ErrorCode.InvalidRequest, "An image or file needs a URL or content.", $"messages[{index}].content");
    }

    private static void AppendParagraph(StringBuilder system, string text)
    {
        if (text.Length == 0) return;
        if (system.Length > 0) system.Append("\n\n");
        system.Append(text);
    }

    private static void AddAssistant(List<CozePrompt> prompts, IEnumerable<string> texts)
    {
        var text = string.Join('\n', texts.Where(t => t.Length > 0));
        if (text.Length > 0) prompts.Add(new CozePrompt(IsUser: false, text, []));
    }

    private static List<CozePrompt> TakeNewest(List<CozePrompt> prompts, int most)
    {
        if (prompts.Count <= most) return [.. prompts];
        var first = prompts.FindIndex(prompts.Count - most, prompt => prompt.IsUser);
        return prompts[(first < 0 ? prompts.Count - most : first)..];
    }

    private static void PrependSystem(List<CozePrompt> prompts, string system)
    {
        var first = prompts.FindIndex(prompt => prompt.IsUser);
        if (first < 0) prompts.Insert(0, new CozePrompt(IsUser: true, system, []));
        else prompts[first] = prompts[first] with { Text = prompts[first].Text.Length == 0 ? system : $"{system}\n\n{prompts[first].Text}" };
    }

    // Adds a user text after each media message without text, unless a user text is directly before or after it.
    private static void AddTextsToMedia(List<CozePrompt> prompts)
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
}
