using System.Text.Json;
using System.Text.RegularExpressions;
using static CozeCluster.Sandbox.Claude.ClaudeValidator;

namespace CozeCluster.Sandbox.Claude;

/// <summary>
/// Checks the messages of a request: their order, their blocks, and that every tool call has its result in the next message. Stricter than the real server in
/// one point: neighbours of the same role are refused.
/// </summary>
internal static partial class ClaudeMessageChecks
{
    public static void Check(JsonElement body, ClaudeModelInfo model, IReadOnlyList<string> tools, bool needsThinking)
    {
        if (Optional(body, "system") is { } system) CheckSystem(system);
        var messages = Needed(body, "messages", "messages");
        Require(messages.ValueKind == JsonValueKind.Array, "messages: Input should be a valid list");
        Require(messages.GetArrayLength() > 0, "messages: at least one message is required");
        var tokens = ClaudePlanner.CountTokens(body.GetRawText());
        Require(
            tokens <= ClaudeModelInfo.ContextTokens || HasMedia(body), $"prompt is too long: {tokens} tokens > {ClaudeModelInfo.ContextTokens} maximum");
        var ids = new HashSet<string>();
        var open = new List<string>();
        var role = "";
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            var path = $"messages.{index}";
            Require(message.ValueKind == JsonValueKind.Object, $"{path}: Input should be an object");
            CheckFields(message, $"{path}.", "role", "content");
            var next = Text(message, "role", $"{path}.role");
            Require(next is "user" or "assistant", $"{path}.role: Input should be 'user' or 'assistant'");
            Require(index > 0 || next == "user", "messages: first message must use the \"user\" role");
            Require(next != role, "messages: roles must alternate between \"user\" and \"assistant\", but found multiple \"" + next + "\" roles in a row");
            role = next;
            open = CheckContent(Needed(message, "content", $"{path}.content"), path, role == "user", open, ids, tools);
            index++;
        }
        Require(open.Count == 0, $"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: {string.Join(", ", open)}");
        CheckEnd(messages, model, role, needsThinking);
    }

    private static void CheckSystem(JsonElement system)
    {
        if (system.ValueKind == JsonValueKind.String) return;
        Require(system.ValueKind == JsonValueKind.Array, "system: Input should be a valid string or list");
        foreach (var block in system.EnumerateArray())
        {
            Require(Kind(block, "system") == "text", "system: Input should be of type 'text'");
            Require(!string.IsNullOrWhiteSpace(Text(block, "text", "system.text")), "system: text content blocks must contain non-whitespace text");
        }
    }

    // Returns the ids of the tool calls that the next message must answer.
    private static List<string> CheckContent(
        JsonElement content, string path, bool isUser, List<string> open, HashSet<string> ids, IReadOnlyList<string> tools)
    {
        var calls = new List<string>();
        if (content.ValueKind == JsonValueKind.String)
        {
            Require(!string.IsNullOrWhiteSpace(content.GetString()), "messages: text content blocks must be non-empty");
        }
        else
        {
            Require(content.ValueKind == JsonValueKind.Array, $"{path}.content: Input should be a valid list");
            Require(content.GetArrayLength() > 0, $"{path}: all messages must have non-empty content");
            var index = 0;
            var hasOther = false;
            foreach (var block in content.EnumerateArray())
            {
                var place = $"{path}.content.{index++}";
                var kind = Kind(block, place);
                switch (kind)
                {
                    case "tool_use" when !isUser:
                        calls.Add(CheckCall(block, place, ids, tools));
                        break;
                    case "tool_result" when isUser:
                        var id = CheckResult(block, place, tools);
                        Require(
                            open.Remove(id),
                            $"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding "
                            + "`tool_use` block in the previous message.");
                        Require(!hasOther, $"{place}: `tool_result` blocks must come first in the content");
                        break;
                    default:
                        hasOther = true;
                        CheckBlock(block, kind, place, isUser);
                        break;
                }
            }
        }
        Require(
            !isUser || open.Count == 0,
            $"{path}: `tool_use` ids were found without `tool_result` blocks immediately after: {string.Join(", ", open)}. Each `tool_use` block must have a "
            + "corresponding `tool_result` block in the next message.");
        return calls;
    }

    private static string CheckCall(JsonElement block, string place, HashSet<string> ids, IReadOnlyList<string> tools)
    {
        CheckFields(block, $"{place}.tool_use.", "type", "id", "name", "input", "cache_control", "caller");
        var id = Text(block, "id", $"{place}.tool_use.id");
        Require(Id().IsMatch(id), $"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'");
        Require(ids.Add(id), "messages: `tool_use` ids must be unique");
        Text(block, "name", $"{place}.tool_use.name");
        Require(
            Needed(block, "input", $"{place}.tool_use.input").ValueKind == JsonValueKind.Object, $"{place}.tool_use.input: Input should be a valid dictionary");
        Require(tools.Count > 0, "Requests which include `tool_use` or `tool_result` blocks must define tools");
        return id;
    }

    private static string CheckResult(JsonElement block, string place, IReadOnlyList<string> tools)
    {
        CheckFields(block, $"{place}.tool_result.", "type", "tool_use_id", "content", "is_error", "cache_control");
        Require(tools.Count > 0, "Requests which include `tool_use` or `tool_result` blocks must define tools");
        if (Optional(block, "content") is { ValueKind: JsonValueKind.Array } content)
        {
            foreach (var inner in content.EnumerateArray()) CheckBlock(inner, Kind(inner, place), place, isUser: true);
        }
        return Text(block, "tool_use_id", $"{place}.tool_result.tool_use_id");
    }

    private static void CheckBlock(JsonElement block, string kind, string place, bool isUser)
    {
        switch (kind)
        {
            case "text":
                CheckFields(block, $"{place}.text.", "type", "text", "cache_control", "citations");
                var text = Text(block, "text", $"{place}.text.text");
                Require(text.Length > 0, "messages: text content blocks must be non-empty");
                Require(!string.IsNullOrWhiteSpace(text), "messages: text content blocks must contain non-whitespace text");
                break;
            case "image" when isUser:
                CheckFields(block, $"{place}.image.", "type", "source", "cache_control");
                ClaudeMediaChecks.CheckImage(Needed(block, "source", $"{place}.image.source"), $"{place}.image.source");
                break;
            case "document" when isUser:
                CheckFields(block, $"{place}.document.", "type", "source", "title", "context", "citations", "cache_control");
                ClaudeMediaChecks.CheckDocument(Needed(block, "source", $"{place}.document.source"), $"{place}.document.source");
                break;
            case "thinking" when !isUser:
                Text(block, "thinking", $"{place}.thinking.thinking");
                Require(
                    Text(block, "signature", $"{place}.thinking.signature").StartsWith(ClaudeRunner.Signature, StringComparison.Ordinal),
                    $"{place}: Invalid `signature` in `thinking` block");
                break;
            case "redacted_thinking" when !isUser:
                Text(block, "data", $"{place}.redacted_thinking.data");
                break;
            default:
                throw ClaudeException.Invalid($"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags");
        }
    }

    private static void CheckEnd(JsonElement messages, ClaudeModelInfo model, string role, bool needsThinking)
    {
        var last = messages[messages.GetArrayLength() - 1].GetProperty("content");
        if (role == "assistant")
        {
            Require(model.HasPrefill, "This model does not support assistant message prefill. The conversation must end with a user message.");
            var text = last.ValueKind == JsonValueKind.String ? last.GetString() : LastText(last);
            Require(text is null || text.Length == text.TrimEnd().Length, "messages: final assistant content cannot end with trailing whitespace");
            return;
        }
        if (!needsThinking || last.ValueKind != JsonValueKind.Array || last[0].GetProperty("type").GetString() != "tool_result") return;
        var call = messages.GetArrayLength() - 2;
        var first = messages[call].GetProperty("content")[0].GetProperty("type").GetString();
        Require(
            first is "thinking" or "redacted_thinking",
            $"messages.{call}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final "
            + "`assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).");
    }

    private static string? LastText(JsonElement content) =>
        content[content.GetArrayLength() - 1] is var block && block.GetProperty("type").GetString() == "text" ? block.GetProperty("text").GetString() : null;

    private static bool HasMedia(JsonElement body) => body.GetRawText().Contains("\"base64\"", StringComparison.Ordinal);

    [GeneratedRegex("^[a-zA-Z0-9_-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex Id();
}
