using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Claude;

/// <summary>A content block of a reply. <paramref name="Text"/> is its text, its thinking, or the JSON of a tool's input.</summary>
internal sealed record ClaudePlannedBlock(string Type, ChunkedText Text, string Name = "");

/// <summary>A reply, determined before its first byte.</summary>
internal sealed record ClaudeReplyPlan(
    IReadOnlyList<ClaudePlannedBlock> Blocks, string StopReason, string? StopSequence, int InputTokens, int OutputTokens, int ThinkingTokens)
{
    public bool Stream { get; init; }
}

/// <summary>Reads what a request says.</summary>
internal static class ClaudePrompts
{
    /// <summary>The last text of the user.</summary>
    public static string LastUserText(JsonElement body)
    {
        var text = "";
        foreach (var message in body.GetProperty("messages").EnumerateArray())
        {
            if (message.GetProperty("role").GetString() != "user") continue;
            text = Texts(message.GetProperty("content")).LastOrDefault(text);
        }
        return text;
    }

    /// <summary>The results of tools in the last message; null if it has none.</summary>
    public static string? ToolResults(JsonElement body)
    {
        var messages = body.GetProperty("messages");
        var content = messages[messages.GetArrayLength() - 1].GetProperty("content");
        if (content.ValueKind != JsonValueKind.Array) return null;
        var results = content.EnumerateArray().Where(block => block.GetProperty("type").GetString() == "tool_result").ToList();
        return results.Count == 0
            ? null
            : string.Join("; ", results.Select(result => result.TryGetProperty("content", out var inner) ? string.Concat(Texts(inner)) : ""));
    }

    private static IEnumerable<string> Texts(JsonElement content) => content.ValueKind == JsonValueKind.String
        ? [content.GetString()!]
        : content.EnumerateArray().Where(block => block.GetProperty("type").GetString() == "text").Select(block => block.GetProperty("text").GetString()!);
}

/// <summary>Determines a reply by the request and the script. A forced tool is called, a schema is followed, and limits and stop sequences cut.</summary>
internal static class ClaudePlanner
{
    private const int DefaultChunks = 20;
    private const int MaxEcho = 400;
    private const int CharactersPerToken = 4;

    /// <summary>About four characters per token.</summary>
    public static int CountTokens(string text) => text.Length == 0 ? 0 : 1 + (text.Length - 1) / CharactersPerToken;

    public static ClaudeReplyPlan Plan(JsonElement body, string prompt, ClaudeScript script)
    {
        var blocks = new List<ClaudePlannedBlock>();
        var thinking = PlanThinking(body, script, blocks);
        var results = ClaudePrompts.ToolResults(body);
        var calls = PlanCalls(body, script, results is not null);
        var (text, stop, sequence) = ("", calls.Count > 0 ? "tool_use" : "end_turn", (string?)null);
        if (calls.Count == 0 || script.Say is not null || script.Chunks is not null)
        {
            text = Answer(body, prompt, script, results);
            var left = Math.Max(0, body.GetProperty("max_tokens").GetInt32() - thinking) * (long)CharactersPerToken;
            foreach (var end in Stops(body))
            {
                var at = text.IndexOf(end, StringComparison.Ordinal);
                if (at >= 0) (text, stop, sequence, calls) = (text[..at], "stop_sequence", end, []);
            }
            if (text.Length > left) (text, stop, sequence, calls) = (Cut(text, (int)left), "max_tokens", null, []);
            if (text.Length > 0) blocks.Add(new ClaudePlannedBlock("text", ChunkedText.Split(text, script.Chunk, script.AsciiOnly)));
        }
        foreach (var (name, input) in calls) blocks.Add(new ClaudePlannedBlock("tool_use", ChunkedText.Split(input, script.Chunk, script.AsciiOnly), name));
        var output = thinking + CountTokens(text) + calls.Sum(call => CountTokens(call.Input));
        return new ClaudeReplyPlan(
            blocks, script.Stop ?? stop, sequence, script.Usage?.Input ?? CountTokens(body.GetRawText()), script.Usage?.Output ?? Math.Max(1, output), thinking)
        {
            Stream = body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True,
        };
    }

    private static int PlanThinking(JsonElement body, ClaudeScript script, List<ClaudePlannedBlock> blocks)
    {
        if (!body.TryGetProperty("thinking", out var thinking) || thinking.GetProperty("type").GetString() == "disabled") return 0;
        if (script.Redacted) blocks.Add(new ClaudePlannedBlock("redacted_thinking", ChunkedText.Split("", 1, ascii: true)));
        if (script.Reasoning == 0) return 0;
        var text = ChunkedText.Generate(script.Seed + 7, script.Text, script.Reasoning, script.Chunk, script.AsciiOnly);
        blocks.Add(new ClaudePlannedBlock("thinking", text));
        return CountTokens(text.Text);
    }

    private static List<(string Name, string Input)> PlanCalls(JsonElement body, ClaudeScript script, bool hasResults)
    {
        if (!body.TryGetProperty("tools", out var list)) return [];
        var tools = list.EnumerateArray().ToDictionary(tool => tool.GetProperty("name").GetString()!, tool => tool.GetProperty("input_schema"));
        var choice = body.TryGetProperty("tool_choice", out var given) ? given : default;
        var kind = choice.ValueKind == JsonValueKind.Object ? choice.GetProperty("type").GetString() : "auto";
        if (kind == "none") return [];
        // A script's tools are called once, and their results answered.
        List<string> names = hasResults ? [] : [.. script.Tools.Where(tools.ContainsKey)];
        if (kind == "tool") names = [choice.GetProperty("name").GetString()!];
        else if (kind == "any" && names.Count == 0) names = [hasResults ? tools.Keys.Last() : tools.Keys.First()];
        if (kind is "auto" or "any" or "tool" && choice.ValueKind == JsonValueKind.Object
            && choice.TryGetProperty("disable_parallel_tool_use", out var single) && single.ValueKind == JsonValueKind.True) names = [.. names.Take(1)];
        return [.. names.Select(name => (name, script.Arguments ?? ClaudeSamples.Of(tools[name])))];
    }

    private static string Answer(JsonElement body, string prompt, ClaudeScript script, string? results)
    {
        if (script.Dictated is { } dictated) return dictated;
        if (script.IsGenerated)
            return ChunkedText.Generate(script.Seed * 31, script.Text, script.Chunks ?? DefaultChunks, script.Chunk, script.AsciiOnly).Text;
        if (body.TryGetProperty("output_config", out var output) && output.TryGetProperty("format", out var format))
            return ClaudeSamples.Of(format.GetProperty("schema"));
        var tools = results is null ? "" : $" The tools returned: {results}.";
        return $"You said: {Cut(prompt, MaxEcho)}\n\nThis is the Claude sandbox, glad to hear from you.{tools}";
    }

    private static IEnumerable<string> Stops(JsonElement body) =>
        body.TryGetProperty("stop_sequences", out var stops) ? stops.EnumerateArray().Select(stop => stop.GetString()!) : [];

    private static string Cut(string text, int length)
    {
        if (text.Length <= length) return text;
        return text[..(length > 0 && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }
}

/// <summary>Creates JSON that follows a schema.</summary>
internal static class ClaudeSamples
{
    private const int MaxDepth = 8;

    public static string Of(JsonElement schema) => Of(schema, schema, 0);

    private static string Of(JsonElement schema, JsonElement root, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > MaxDepth) return "null";
        if (schema.TryGetProperty("enum", out var choices) && choices.GetArrayLength() > 0) return choices[0].GetRawText();
        if (schema.TryGetProperty("const", out var constant)) return constant.GetRawText();
        if (schema.TryGetProperty("anyOf", out var any)) return Of(any[0], root, depth + 1);
        if (schema.TryGetProperty("$ref", out var reference) && reference.GetString() is { } path && path.StartsWith("#/", StringComparison.Ordinal))
        {
            var target = root;
            foreach (var name in path[2..].Split('/'))
            {
                if (!target.TryGetProperty(name, out target)) return "null";
            }
            return Of(target, root, depth + 1);
        }
        var type = schema.TryGetProperty("type", out var given) ? given.ValueKind == JsonValueKind.Array ? given[0].GetString() : given.GetString() : "object";
        return type switch
        {
            "string" => "\"Zürich 🚀\"",
            "number" => "1.5",
            "integer" => "1",
            "boolean" => "true",
            "array" => schema.TryGetProperty("items", out var item) ? $"[{Of(item, root, depth + 1)}]" : "[]",
            "null" => "null",
            _ => OfObject(schema, root, depth),
        };
    }

    private static string OfObject(JsonElement schema, JsonElement root, int depth)
    {
        var json = new StringBuilder("{");
        if (schema.TryGetProperty("properties", out var properties))
        {
            foreach (var property in properties.EnumerateObject())
            {
                if (json.Length > 1) json.Append(',');
                json.Append(ClaudeApi.Quote(property.Name)).Append(':').Append(Of(property.Value, root, depth + 1));
            }
        }
        return json.Append('}').ToString();
    }
}
