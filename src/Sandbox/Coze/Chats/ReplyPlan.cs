using System.Text.Json;
using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>What a chat will say, worked out from its script and its prompt before it says it.</summary>
internal sealed class ReplyPlan
{
    private const int DefaultChunks = 20;
    private const int LongestEcho = 400;

    private ReplyPlan(IReadOnlyList<ReplyText> answers, ReplyText? reasoning)
    {
        Answers = answers;
        Reasoning = reasoning;
    }

    public IReadOnlyList<ReplyText> Answers { get; }

    public ReplyText? Reasoning { get; }

    public static ReplyPlan For(CozeChat chat, IReadOnlyList<ToolOutput> toolOutputs, string imageUrl)
    {
        var script = chat.Script;
        var answers = new ReplyText[script.Answers];
        for (var i = 0; i < answers.Length; i++)
        {
            var answer = Answer(chat, toolOutputs, i);
            if (script.Image && i == answers.Length - 1)
                answer = ReplyText.Cut($"{answer.Text}\n\n![sandbox]({imageUrl})", script.Chunk, script.Wire.AsciiOnly);
            answers[i] = answer;
        }
        var reasoning = script.Reasoning == 0
            ? null
            : ReplyText.Generate(script.Seed + 7, script.Text, script.Reasoning, script.Chunk, script.Wire.AsciiOnly);
        return new ReplyPlan(answers, reasoning);
    }

    public static IEnumerable<string> FollowUps(CozeChat chat)
    {
        for (var i = 1; i <= chat.Script.FollowUps; i++) yield return $"Follow-up question {i}?";
    }

    /// <summary>Content of a verbose message.</summary>
    public static string Verbose(string kind, string data) => JsonSerializer.Serialize(new VerboseContent(kind, data), CozeJson.Wire.VerboseContent);

    /// <summary>Content of a function call.</summary>
    public static string FunctionCall(string name) => JsonSerializer.Serialize(
        new FunctionCallContent(name, new Dictionary<string, string> { ["query"] = "sandbox" }, "7370000000000000001", "sandbox-tools", "7370000000000000002", name),
        CozeJson.Wire.FunctionCallContent);

    private static ReplyText Answer(CozeChat chat, IReadOnlyList<ToolOutput> toolOutputs, int index)
    {
        var script = chat.Script;
        var ascii = script.Wire.AsciiOnly;
        if (script.Fault is { } fault) return ReplyText.Cut($"The sandbox cannot follow this prompt: {fault}.", script.Chunk, ascii);
        if (script.Say is { } say) return ReplyText.Cut(say, script.Chunk, ascii);
        if (script.Chunks is not null || script.Text != ReplyTextKind.Plain)
            return ReplyText.Generate(unchecked(script.Seed * 31 + index), script.Text, script.Chunks ?? DefaultChunks, script.Chunk, ascii);

        var tools = toolOutputs.Count == 0 ? "" : $" The tools returned: {string.Join("; ", toolOutputs.Select(o => o.Output))}.";
        var part = script.Answers == 1 ? "" : $" This is answer {index + 1} of {script.Answers}.";
        return ReplyText.Cut($"You said: {Shorten(chat.Prompt)}\n\nThis is the Coze sandbox, glad to hear from you.{tools}{part}", script.Chunk, ascii);
    }

    private static string Shorten(string prompt)
    {
        if (prompt.Length <= LongestEcho) return prompt;
        var end = char.IsHighSurrogate(prompt[LongestEcho - 1]) ? LongestEcho - 1 : LongestEcho;
        return prompt[..end] + "…";
    }
}
