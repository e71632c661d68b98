using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>What a completion will contain, determined from the request and the script before the first piece is sent.</summary>
/// <param name="Answer">The text; null if the model calls tools.</param>
/// <param name="Reasoning">The reasoning; null without.</param>
/// <param name="Calls">The names of the tools that the model calls.</param>
/// <param name="InputTokens">The tokens of the prompt.</param>
/// <param name="OutputTokens">The tokens of the reply.</param>
/// <param name="HasUsage">Whether the tokens are counted.</param>
/// <param name="FinishReason">Why the reply ends.</param>
internal sealed record OpenAiPlan(
    ChunkedText? Answer, ChunkedText? Reasoning, IReadOnlyList<string> Calls, int InputTokens, int OutputTokens, bool HasUsage, string FinishReason)
{
    private const int DefaultChunks = 20;
    private const int CharsPerToken = 4;

    /// <summary>The arguments of each call.</summary>
    public const string Arguments = """{"query":"sandbox"}""";

    public static OpenAiPlan Create(OpenAiPrompt prompt, string text, ChatScript script)
    {
        var calls = prompt.Results.Count > 0 ? [] : FindCalls(prompt, script);
        var answer = calls.Count > 0 ? null : CreateAnswer(prompt, text, script);
        var reasoning = script.Reasoning == 0
            ? null
            : ChunkedText.Generate(script.Seed + 7, script.Text, script.Reasoning, script.Chunk, script.Format.AsciiOnly);
        var input = script.Usage?.Input ?? 1 + prompt.Length / CharsPerToken;
        var output = script.Usage?.Output ?? 1 + ((answer?.Text.Length ?? Arguments.Length) + (reasoning?.Text.Length ?? 0)) / CharsPerToken;
        var finish = script.Finish ?? (calls.Count > 0 ? "tool_calls" : "stop");
        return new OpenAiPlan(answer, reasoning, calls, input, output, script.Usage is not { Absent: true }, finish);
    }

    private static IReadOnlyList<string> FindCalls(OpenAiPrompt prompt, ChatScript script)
    {
        if (prompt.Tools.Count == 0 || prompt.ToolChoice == "none") return [];
        if (prompt.NamedTool is { } named) return [named];
        if (script.RequiresAction is { } wanted) return [.. wanted.Split(',').Where(prompt.Tools.Contains)];
        return prompt.ToolChoice == "required" ? [prompt.Tools[0]] : [];
    }

    private static ChunkedText CreateAnswer(OpenAiPrompt prompt, string text, ChatScript script)
    {
        var ascii = script.Format.AsciiOnly;
        if (script.Dictated is { } dictated) return Split(dictated);
        if (prompt.WantsJson) return Split($$"""{"answer":{{OpenAiError.Quote(text)}}}""");
        if (script.IsGenerated)
            return ChunkedText.Generate(unchecked(script.Seed * 31), script.Text, script.Chunks ?? DefaultChunks, script.Chunk, ascii);
        var results = prompt.Results.Count > 0 ? $" The tools returned: {string.Join("; ", prompt.Results)}." : "";
        return Split($"You said: {text}\n\nThis is the OpenAI sandbox, with {prompt.MessageCount} messages.{results}");

        ChunkedText Split(string whole) => ChunkedText.Split(whole, script.Chunk, ascii);
    }
}
