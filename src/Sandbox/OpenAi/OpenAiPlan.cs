using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>What a completion will contain, determined from the request and the script before the first piece is sent.</summary>
/// <param name="Answer">The text; null if the model calls tools.</param>
/// <param name="Reasoning">The reasoning; null without.</param>
/// <param name="Calls">The names of the tools that the model calls.</param>
/// <param name="InputTokens">The tokens of the prompt.</param>
/// <param name="OutputTokens">The tokens of the reply.</param>
/// <param name="IncludeUsage">Whether a stream ends with token counts.</param>
/// <param name="FinishReason">Why the reply ends.</param>
internal sealed record OpenAiPlan(
    ChunkedText? Answer, ChunkedText? Reasoning, IReadOnlyList<string> Calls, int InputTokens, int OutputTokens, bool IncludeUsage, string FinishReason)
{
    private const int DefaultChunks = 20;
    private const int CharsPerToken = 4;

    /// <summary>The arguments of each call.</summary>
    public const string Arguments = """{"query":"sandbox"}""";

    public static OpenAiPlan Create(JsonElement body, string prompt, ChatScript script)
    {
        var messages = body.GetProperty("messages");
        var last = messages[messages.GetArrayLength() - 1];
        var hasResults = last.GetProperty("role").ValueEquals("tool");
        var calls = hasResults ? [] : FindCalls(body, script);
        var answer = calls.Count > 0 ? null : CreateAnswer(body, messages, prompt, script, hasResults);
        var reasoning = script.Reasoning == 0
            ? null
            : ChunkedText.Generate(script.Seed + 7, script.Text, script.Reasoning, script.Chunk, script.Format.AsciiOnly);
        var input = script.Usage?.Input ?? 1 + messages.GetRawText().Length / CharsPerToken;
        var output = script.Usage?.Output ?? 1 + ((answer?.Text.Length ?? Arguments.Length) + (reasoning?.Text.Length ?? 0)) / CharsPerToken;
        var includeUsage = body.TryGetProperty("stream_options", out var options) && options.TryGetProperty("include_usage", out var include)
            && include.ValueKind == JsonValueKind.True;
        var finish = script.Finish ?? (calls.Count > 0 ? "tool_calls" : "stop");
        return new OpenAiPlan(answer, reasoning, calls, input, output, includeUsage && script.Usage is not { Absent: true }, finish);
    }

    private static IReadOnlyList<string> FindCalls(JsonElement body, ChatScript script)
    {
        if (!body.TryGetProperty("tools", out var tools)) return [];
        var names = tools.EnumerateArray().Select(tool => tool.GetProperty("function").GetProperty("name").GetString()!).ToList();
        var choice = body.TryGetProperty("tool_choice", out var given) ? given : default;
        if (choice.ValueKind == JsonValueKind.Object) return [choice.GetProperty("function").GetProperty("name").GetString()!];
        if (choice.ValueKind == JsonValueKind.String && choice.ValueEquals("none")) return [];
        if (script.RequiresAction is { } wanted) return [.. wanted.Split(',').Where(names.Contains)];
        return choice.ValueKind == JsonValueKind.String && choice.ValueEquals("required") ? [names[0]] : [];
    }

    private static ChunkedText CreateAnswer(JsonElement body, JsonElement messages, string prompt, ChatScript script, bool hasResults)
    {
        var ascii = script.Format.AsciiOnly;
        if (script.DirectiveError is { } error) return Split($"The sandbox cannot follow this prompt: {error}.");
        if (script.Say is { } say) return Split(say);
        if (body.TryGetProperty("response_format", out var format) && !format.GetProperty("type").ValueEquals("text"))
            return Split($$"""{"answer":{{OpenAiError.Quote(prompt)}}}""");
        if (script.Chunks is not null || script.Text != TextKind.Plain)
            return ChunkedText.Generate(unchecked(script.Seed * 31), script.Text, script.Chunks ?? DefaultChunks, script.Chunk, ascii);
        var results = hasResults
            ? $" The tools returned: {string.Join("; ", messages.EnumerateArray().Reverse().TakeWhile(IsResult).Reverse().Select(ContentOf))}."
            : "";
        return Split($"You said: {prompt}\n\nThis is the OpenAI sandbox, with {messages.GetArrayLength()} messages.{results}");

        ChunkedText Split(string text) => ChunkedText.Split(text, script.Chunk, ascii);
    }

    private static bool IsResult(JsonElement message) => message.GetProperty("role").ValueEquals("tool");

    private static string? ContentOf(JsonElement message) => message.GetProperty("content").GetString();
}
