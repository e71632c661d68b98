using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Prompts;

namespace CozeCluster.Upstreams.Claude;

/// <summary>A content block of a prompt.</summary>
internal abstract record ClaudeBlock;

/// <summary>Text, which is not blank.</summary>
internal sealed record ClaudeText(string Text) : ClaudeBlock;

/// <summary>An image or a document.</summary>
internal sealed record ClaudeMedia(MediaSource Source, bool IsImage) : ClaudeBlock;

/// <summary>A tool call of the model.</summary>
/// <param name="Id">An id that is unique in the prompt, and that Claude accepts.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Input">A JSON object.</param>
internal sealed record ClaudeToolUse(string Id, string Name, JsonElement Input) : ClaudeBlock;

/// <summary>The result of a tool call.</summary>
internal sealed record ClaudeToolResult(string Id, IReadOnlyList<ClaudeBlock> Content) : ClaudeBlock;

/// <summary>A message of a prompt, with at least one block.</summary>
internal sealed record ClaudeMessage(bool IsUser, List<ClaudeBlock> Content);

/// <summary>
/// A prompt as Claude's API accepts it. System texts at the beginning are its system prompt, and later ones are texts of the user in their place, because the
/// API has no system role. Neighbours of the same role become one message. The first message is the user's, and so is the last one unless the model continues
/// answers. Every tool call has a result in the message after it: results of calls that the prompt does not have become texts.
/// </summary>
/// <param name="System">The system prompt; may be empty.</param>
/// <param name="Messages">User and assistant in turn, at least one message.</param>
internal sealed record ClaudePrompt(IReadOnlyList<string> System, IReadOnlyList<ClaudeMessage> Messages)
{
    /// <summary>The user's text where the API requires a message of the user and the client has none.</summary>
    public const string Continue = "Continue.";

    /// <summary>The result of a tool call that the client has not answered.</summary>
    public const string NoResult = "(no result)";

    /// <summary>The tools that the prompt has calls of.</summary>
    public IEnumerable<string> CalledTools => Messages.SelectMany(message => message.Content).OfType<ClaudeToolUse>().Select(call => call.Name).Distinct();

    /// <summary>Whether the model has to continue after results of its tool calls.</summary>
    public bool EndsWithToolResults => Messages[^1].Content.Exists(block => block is ClaudeToolResult);

    /// <summary>Whether the prompt ends with the beginning of the answer, which the model continues.</summary>
    public bool IsPrefilled => !Messages[^1].IsUser;

    /// <summary>Translates messages.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="canPrefill">Whether the model continues an answer at the end. Otherwise the user asks it to, in a message of its own.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: nothing is left to send, or a message contains something that cannot be sent there.
    /// <see cref="ErrorCode.FileRejected"/>: a message contains audio.
    /// </exception>
    public static ClaudePrompt FromMessages(IReadOnlyList<ChatMessage> messages, bool canPrefill = false)
    {
        var builder = new Builder();
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            if (message.Role is ChatRole.System or ChatRole.Assistant && message.Content.Any(part => part is not TextContent))
                {
                throw new ClusterException(
                    ErrorCode.InvalidRequest, "Claude models accept images and files of users and tools only.", $"messages[{i}].content");
            }
            builder.Add(message, [.. message.Content.Select(part => ToBlock(part, i)).OfType<ClaudeBlock>()]);
        }
        return builder.Build(canPrefill);
    }

    private static ClaudeBlock? ToBlock(ContentPart part, int index) => part switch
    {
        TextContent { Text: var text } => string.IsNullOrWhiteSpace(text) ? null : new ClaudeText(text),
        AudioContent => throw new ClusterException(ErrorCode.FileRejected, "Claude models accept no audio.", $"messages[{index}].content"),
        _ when PromptHistory.SourceOf(part) is { } source and ({ Url.Length: > 0 } or { Blob: not null }) =>
            new ClaudeMedia(source, part is ImageContent || HasImageExtension(source.Url)),
        _ => throw new ClusterException(ErrorCode.InvalidRequest, "An image or file needs a URL or content.", $"messages[{index}].content"),
    };

    // A document by URL must be a PDF.
    private static bool HasImageExtension(string? url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address)
        && Path.GetExtension(address.AbsolutePath).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".gif" or ".webp";

    private sealed class Builder
    {
        private readonly List<string> _system = [];
        private readonly List<ClaudeMessage> _messages = [];
        private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

        // The calls of the last assistant message that have no result yet: Claude's ids by the ids of the client.
        private readonly List<(string Id, string ClientId)> _open = [];

        // Where results belong: before all other blocks of the user's message.
        private int _results;

        public void Add(ChatMessage message, List<ClaudeBlock> blocks)
        {
            switch (message.Role)
            {
                case ChatRole.System when _messages.Count == 0:
                    _system.AddRange(blocks.OfType<ClaudeText>().Select(block => block.Text));
                    break;
                case ChatRole.System or ChatRole.User:
                    AddBlocks(isUser: true, blocks);
                    break;
                case ChatRole.Assistant:
                    AddAssistant(message, blocks);
                    break;
                case ChatRole.Tool:
                    AddResult(message.ToolCallId ?? "", blocks);
                    break;
            }
        }

        public ClaudePrompt Build(bool canPrefill)
        {
            CloseCalls();
            if (_messages.Count == 0)
            {
                if (_system.Count == 0)
                    throw new ClusterException(ErrorCode.InvalidRequest, "The messages contain nothing that can be sent to the model. Add a text.", "messages");
                return new ClaudePrompt([], [new ClaudeMessage(IsUser: true, [.. _system.Select(text => new ClaudeText(text))])]);
            }
            if (!_messages[0].IsUser) _messages.Insert(0, new ClaudeMessage(IsUser: true, [new ClaudeText(Continue)]));
            // The API refuses white space at the end of a prefill.
            if (canPrefill && _messages[^1] is { IsUser: false, Content: [.., ClaudeText answer] } last)
                last.Content[^1] = new ClaudeText(answer.Text.TrimEnd());
            else if (!_messages[^1].IsUser)
                _messages.Add(new ClaudeMessage(IsUser: true, [new ClaudeText(Continue)]));
            return new ClaudePrompt(_system, _messages);
        }

        private void AddAssistant(ChatMessage message, List<ClaudeBlock> blocks)
        {
            CloseCalls();
            foreach (var call in message.ToolCalls)
            {
                var id = NewId(call.Id);
                _open.Add((id, call.Id));
                blocks.Add(new ClaudeToolUse(id, call.Name, ReadInput(call.Arguments)));
            }
            AddBlocks(isUser: false, blocks);
            _results = 0;
        }

        private void AddResult(string clientId, List<ClaudeBlock> blocks)
        {
            var call = _open.FindIndex(open => open.ClientId == clientId);
            if (call < 0)
            {
                AddBlocks(isUser: true, [new ClaudeText("(A tool returned the following.)"), .. blocks]);
                return;
            }
            InsertResult(new ClaudeToolResult(_open[call].Id, blocks));
            _open.RemoveAt(call);
        }

        private void CloseCalls()
        {
            foreach (var (id, _) in _open) InsertResult(new ClaudeToolResult(id, [new ClaudeText(NoResult)]));
            _open.Clear();
        }

        private void InsertResult(ClaudeToolResult result)
        {
            if (_messages[^1].IsUser) _messages[^1].Content.Insert(_results, result);
            else _messages.Add(new ClaudeMessage(IsUser: true, [result]));
            _results++;
        }

        private void AddBlocks(bool isUser, List<ClaudeBlock> blocks)
        {
            if (blocks.Count == 0) return;
            if (_messages.Count > 0 && _messages[^1].IsUser == isUser) _messages[^1].Content.AddRange(blocks);
            else _messages.Add(new ClaudeMessage(isUser, blocks));
        }

        // Clients may use an id in every round, or characters that Claude does not accept.
        private string NewId(string clientId)
        {
            var id = clientId.Length is > 0 and <= 64 && clientId.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? clientId : "call";
            for (var number = 2; !_ids.Add(id); number++) id = $"call-{_ids.Count}-{number}";
            return id;
        }

        private static JsonElement ReadInput(string arguments)
        {
            if (string.IsNullOrWhiteSpace(arguments)) arguments = "{}";
            return LenientJson.TryParseObject(arguments) ?? LenientJson.WrapText("arguments", arguments);
        }
    }
}
