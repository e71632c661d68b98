using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CozeCluster.Grains;

/// <summary>
/// Prompts and replies in the JSON form of OpenTelemetry's conventions for generative AI (<c>gen-ai-input-messages.json</c>,
/// <c>gen-ai-output-messages.json</c>), without secrets and within limits. Texts are written; of everything else only its kind, and of tool calls their ids and
/// names: bytes, links, arguments and results of tools may be secret.
/// </summary>
internal sealed partial class GenAiMessages
{
    /// <summary>The attribute with the prompt.</summary>
    public const string Input = "gen_ai.input.messages";

    /// <summary>The attribute with the reply.</summary>
    public const string Output = "gen_ai.output.messages";

    /// <summary>The longest text, in UTF-16 units. A longer one is cut, and ends with an ellipsis.</summary>
    public const int MaxText = 4096;

    /// <summary>The maximum length of all texts of an attribute together, in UTF-16 units.</summary>
    public const int MaxTotal = 8192;

    /// <summary>The largest number of parts in an attribute.</summary>
    public const int MaxParts = 100;

    // Half of the longest secret. The filter recognises a secret if its first half is left; a shorter rest is within this margin, which is removed.
    private const int Margin = RequestCredential.MaxLength / 2;

    // Collectors and people read it, never a browser. Chinese characters stay as short as they are.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ISecretFilter _secrets;
    private int _parts = MaxParts;
    private int _chars = MaxTotal;

    private GenAiMessages(ISecretFilter secrets) => _secrets = secrets;

    private bool IsFull => _parts == 0 || _chars == 0;

    /// <summary>What an attempt has sent: its last messages, as many as the limits allow, oldest first. Null if it has sent nothing.</summary>
    public static string? OfPrompt(UpstreamTurn turn, ISecretFilter secrets)
    {
        var limits = new GenAiMessages(secrets);
        var messages = new List<JsonNode>();
        for (var i = turn.ToolOutputs.Count - 1; i >= 0 && !limits.IsFull; i--)
        {
            var parts = new JsonArray();
            limits.AddToolResult(parts, turn.ToolOutputs[i].CallId);
            messages.Add(Message(ChatRole.Tool, parts));
        }
        for (var i = turn.Messages.Count - 1; i >= 0 && !limits.IsFull; i--)
        {
            if (limits.PartsOf(turn.Messages[i]) is { Count: > 0 } parts) messages.Add(Message(turn.Messages[i].Role, parts));
        }
        messages.Reverse();
        return messages.Count > 0 ? new JsonArray([.. messages]).ToJsonString(Readable) : null;
    }

    /// <summary>What was answered: its first parts, as many as the limits allow. Null if it is empty.</summary>
    public static string? OfReply(ReplyLog log, ISecretFilter secrets)
    {
        if (log.IsEmpty) return null;
        var limits = new GenAiMessages(secrets);
        var parts = new JsonArray();
        foreach (var part in log.Parts)
        {
            if (limits.IsFull) break;
            limits.Add(parts, part);
        }
        var message = Message(ChatRole.Assistant, parts);
        message["finish_reason"] = log.FinishReason is { } reason ? WireName.Of(reason) : "error";
        return new JsonArray(message).ToJsonString(Readable);
    }

    private static JsonObject Message(ChatRole role, JsonArray parts) => new() { ["role"] = WireName.Of(role), ["parts"] = parts };

    private JsonArray PartsOf(ChatMessage message)
    {
        var parts = new JsonArray();
        if (message.Role == ChatRole.Tool)
        {
            AddToolResult(parts, message.ToolCallId);
            return parts;
        }
        foreach (var content in message.Content)
        {
            if (content is TextContent text) AddText(parts, "text", text.Text);
            else AddPart(parts, content switch { ImageContent => "image", AudioContent => "audio", _ => "file" });
        }
        foreach (var call in message.ToolCalls) AddToolCall(parts, call.Id, call.Name);
        return parts;
    }

    private void Add(JsonArray parts, ReplyPart part)
    {
        switch (part)
        {
            case TextPart text: AddText(parts, "text", text.Text); break;
            case ReasoningPart reasoning: AddText(parts, "reasoning", reasoning.Text); break;
            case ItemPart { Item: ToolCallItem call }: AddToolCall(parts, call.Id, call.Name); break;
            case ItemPart { Item: ToolOutputItem output }: AddToolResult(parts, output.Id); break;
            case ItemPart { Item: ImageItem }: AddPart(parts, "image"); break;
            case ItemPart { Item: CardItem }: AddPart(parts, "card"); break;
            case ItemPart { Item: KnowledgeItem }: AddPart(parts, "knowledge"); break;
            case ItemPart { Item: FollowUpItem }: AddPart(parts, "follow_up"); break;
            default: AddPart(parts, "other"); break;
        }
    }

    private void AddText(JsonArray parts, string type, string text)
    {
        if (text.Length > 0 && AddPart(parts, type) is { } part) part["content"] = Take(text);
    }

    private void AddToolCall(JsonArray parts, string id, string name)
    {
        if (AddPart(parts, "tool_call") is { } part) (part["id"], part["name"]) = (Take(id), Take(name));
    }

    private void AddToolResult(JsonArray parts, string? id)
    {
        if (AddPart(parts, "tool_call_response") is { } part) (part["id"], part["response"]) = (id is null ? null : Take(id), null);
    }

    private JsonObject? AddPart(JsonArray parts, string type)
    {
        if (IsFull) return null;
        _parts--;
        var part = new JsonObject { ["type"] = type };
        parts.Add((JsonNode)part);
        return part;
    }

    /// <summary>A text without secrets, as much of it as the limits allow.</summary>
    private string Take(string text)
    {
        var room = Math.Min(MaxText, _chars);
        var isCut = text.Length > room + Margin;
        var clean = _secrets.Remove(isCut ? text[..(room + Margin)] : text);
        // Before the end is removed: a part of a link would not be recognised.
        clean = Link().Replace(clean, Shorten);
        // The filter may not recognise a secret of which less than the first half is left. Such a rest is at the end.
        if (isCut) clean = clean[..Math.Max(0, clean.Length - Margin)];
        if (isCut || clean.Length > room) clean = Cut(clean, room);
        // The searched length counts too: texts that shrink, such as links, would otherwise make the search unlimited.
        _chars -= Math.Max(clean.Length, Math.Min(text.Length, room));
        return clean;
    }

    private static string Cut(string text, int room)
    {
        if (room == 0) return "";
        var end = Math.Min(text.Length, room - 1);
        if (end > 0 && char.IsHighSurrogate(text[end - 1])) end--;
        return text[..end] + "…";
    }

    private static string Shorten(Match link)
    {
        var (scheme, host, rest) = (link.Groups["scheme"], link.Groups["host"].Value, link.Groups["rest"].Value);
        return scheme.Success ? scheme.Value + host + (rest.Length > 1 ? "/…" : rest) : link.Groups["data"].Value + "…";
    }

    // Links may have secrets in their path, too, so only server names stay. Chinese puts no space before and behind a link.
    [GeneratedRegex(@"(?<data>data:[\w.+/\-]{0,60};base64,)[^\s""'<>)]*|(?<scheme>[a-z][a-z0-9+.\-]{0,15}://)(?:[^\s/?#""<>]*@)?(?<host>[^\s/?#""<>@]*)"
        + @"(?<rest>[/?#][^\s""<>，。；：！？、）】》」』]*)?",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
