using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Prompts;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>One part of a content, as the API knows it. Exactly one property is set, besides the signature.</summary>
internal sealed record GeminiPart
{
    public string? Text { get; init; }

    public GeminiFile? File { get; init; }

    /// <summary>A call, with its arguments as a JSON object.</summary>
    public (string? Id, string Name, JsonElement Arguments)? Call { get; init; }

    /// <summary>The result of a call, as a JSON object; null if it is <see cref="ResultText"/>.</summary>
    public (string? Id, string Name, JsonElement? Result)? Response { get; init; }

    /// <summary>The result as text.</summary>
    public string ResultText { get; init; } = "";

    public string? Signature { get; init; }
}

/// <summary>One content of a prompt.</summary>
/// <param name="IsUser">True for <c>user</c>, false for <c>model</c>. There are no other roles.</param>
/// <param name="Parts">At least one.</param>
internal sealed record GeminiContent(bool IsUser, List<GeminiPart> Parts);

/// <summary>
/// Translates the messages of a turn. All system messages become the <c>systemInstruction</c>. Messages of the same side that follow each other become one
/// content. The results of tool calls become one content directly after the calls, in their order, as the API demands; their images and files follow in a
/// content of their own. A history that the API certainly refuses is refused here, with the name of our own field.
/// </summary>
/// <remarks>
/// Signatures of thoughts survive only with tool calls (<see cref="GeminiCallIds"/>), where the API insists on them. If the signature of a call is lost, or
/// another upstream made the call, a model that insists gets the word with which the API skips the check.
/// </remarks>
internal static class GeminiContents
{
    /// <summary>Replaces a signature that is lost.</summary>
    public const string LostSignature = "skip_thought_signature_validator";

    private static readonly JsonElement NoArguments = LenientJson.TryParse("{}"u8)!.Value;

    /// <summary>Translates messages.</summary>
    /// <returns>The system instruction, empty without one, and at least one content.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: nothing is left to send, or the tool calls have no results.</exception>
    public static (string System, List<GeminiContent> Contents) FromMessages(
        IReadOnlyList<ChatMessage> messages, GeminiModel model, GeminiCallIds ids, GeminiMedia media)
    {
        var system = new StringBuilder();
        var contents = new List<GeminiContent>(messages.Count);
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            switch (message.Role)
            {
                case ChatRole.System:
                    if (system.Length > 0 && message.Text.Length > 0) system.Append("\n\n");
                    system.Append(message.Text);
                    break;
                case ChatRole.Tool when string.IsNullOrEmpty(message.ToolCallId):
                    // Surfaces of older systems know no calls, so the result is a text of the user.
                    Add(contents, isUser: true, ReadParts(message.Content, i, media));
                    break;
                case ChatRole.Tool:
                    throw new ClusterException(
                        ErrorCode.InvalidRequest, "A tool message must follow the assistant message whose tool_calls it answers.", $"messages[{i}]");
                case ChatRole.User:
                    Add(contents, isUser: true, ReadParts(message.Content, i, media));
                    break;
                default:
                    var parts = ReadParts(message.Content, i, media);
                    if (message.ToolCalls.Count > 0) parts.AddRange(ReadCalls(message.ToolCalls, model, ids));
                    Add(contents, isUser: false, parts);
                    if (message.ToolCalls.Count > 0) i = AddResults(contents, messages, i, ids, media);
                    break;
            }
        }
        if (contents.Count == 0 && system.Length > 0)
        {
            // Instructions alone are a prompt at other APIs.
            contents.Add(new GeminiContent(IsUser: true, [new GeminiPart { Text = system.ToString() }]));
            system.Clear();
        }
        return contents.Count > 0
            ? (system.ToString(), contents)
            : throw new ClusterException(ErrorCode.InvalidRequest, "The messages contain nothing that can be sent to the model. Add a text.", "messages");
    }

    private static void Add(List<GeminiContent> contents, bool isUser, List<GeminiPart> parts)
    {
        if (parts.Count == 0) return;
        // Results stay alone: the API counts the parts of their content.
        if (contents.Count > 0 && contents[^1] is { } last && last.IsUser == isUser && last.Parts[^1].Response is null && last.Parts[^1].Call is null)
            last.Parts.AddRange(parts);
        else
            contents.Add(new GeminiContent(isUser, parts));
    }

    private static List<GeminiPart> ReadParts(IReadOnlyList<ContentPart> content, int index, GeminiMedia media)
    {
        var parts = new List<GeminiPart>(content.Count + 1);
        for (var i = 0; i < content.Count; i++)
        {
            if (content[i] is TextContent text)
            {
                if (text.Text.Length > 0) parts.Add(new GeminiPart { Text = text.Text });
                continue;
            }
            parts.Add(media.Find(index, i) is { } file ? new GeminiPart { File = file } : new GeminiPart { Text = PromptHistory.LostAttachment });
        }
        // Some models refuse files without a text.
        if (parts.Count > 0 && parts.TrueForAll(part => part.File is not null)) parts.Add(new GeminiPart { Text = " " });
        return parts;
    }

    private static IEnumerable<GeminiPart> ReadCalls(IReadOnlyList<ToolCall> calls, GeminiModel model, GeminiCallIds ids)
    {
        for (var i = 0; i < calls.Count; i++)
        {
            var text = calls[i].Arguments;
            // The API takes objects only. Models write other things at times, and a history with such a call must not be refused in every later turn.
            var arguments = string.IsNullOrWhiteSpace(text) ? NoArguments : LenientJson.TryParseObject(text) ?? LenientJson.WrapText("arguments", text);
            var id = ids.Read(calls[i].Id);
            yield return new GeminiPart
            {
                Call = (id.OwnId, calls[i].Name, arguments),
                // Of calls that were made together, Gemini signs the first.
                Signature = id.Signature ?? (i == 0 && model.NeedsSignatures ? LostSignature : null),
            };
        }
    }

    // Returns the index of the last tool message.
    private static int AddResults(List<GeminiContent> contents, IReadOnlyList<ChatMessage> messages, int index, GeminiCallIds ids, GeminiMedia media)
    {
        var calls = messages[index].ToolCalls;
        var results = new GeminiPart?[calls.Count];
        var files = new List<GeminiPart>();
        var last = index;
        while (last + 1 < messages.Count && messages[last + 1] is { Role: ChatRole.Tool } next && Answers(calls, next))
        {
            var message = messages[++last];
            var call = 0;
            while (call < calls.Count && (calls[call].Id != (message.ToolCallId ?? "") || results[call] is not null)) call++;
            if (call == calls.Count)
            {
                throw new ClusterException(
                    ErrorCode.InvalidRequest, "There is no tool call with this id, or it has another result already.", $"messages[{last}].tool_call_id");
            }
            results[call] = ReadResult(calls[call], message.Text, ids);
            foreach (var part in ReadParts(message.Content, last, media))
                if (part.File is not null) files.Add(part);
        }
        var missing = Array.IndexOf(results, null);
        if (missing >= 0)
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, "Every tool call must be followed by a tool message with its result.", $"messages[{index}].tool_calls[{missing}]");
        }
        contents.Add(new GeminiContent(IsUser: true, [.. results.OfType<GeminiPart>()]));
        Add(contents, isUser: true, files);
        return last;
    }

    // A message without an id answers only a call without one.
    private static bool Answers(IReadOnlyList<ToolCall> calls, ChatMessage message) =>
        !string.IsNullOrEmpty(message.ToolCallId) || calls.Any(call => call.Id.Length == 0);

    // A result that is an object is sent as it is. The API takes objects only.
    private static GeminiPart ReadResult(ToolCall call, string text, GeminiCallIds ids) => new()
    {
        Response = (ids.Read(call.Id).OwnId, call.Name, LenientJson.TryParseObject(text)),
        ResultText = text,
    };
}
