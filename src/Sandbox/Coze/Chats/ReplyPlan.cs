using System.Text.Json;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The texts of a reply, determined from the script and the prompt before the first delta.</summary>
internal sealed class ReplyPlan
{
    private const int DefaultChunks = 20;
    private const int MaxEchoLength = 400;

    private ReplyPlan(IReadOnlyList<ChunkedText> answers, ChunkedText? reasoning)
    {
        Answers = answers;
        Reasoning = reasoning;
    }

    public IReadOnlyList<ChunkedText> Answers { get; }

    public ChunkedText? Reasoning { get; }

    /// <summary>The content of the verbose message about a knowledge recall.</summary>
    public static string Knowledge { get; } =
        VerboseMessage("knowledge_recall", """{"chunks":[{"slice":"The sandbox knows this.","score":0.9}]}""");

    /// <summary>The content of the extra message of the directive <c>verbose</c>.</summary>
    public static string TimeCapsule { get; } = VerboseMessage("time_capsule_recall", """{"origin_search_results":"[]"}""");

    /// <summary>The content of a card.</summary>
    public static string Card =>
        """{"title":"A card","elements":[{"tag":"text","text":"It has a text and a button"},{"tag":"button","text":"More","url":"https://sandbox.test/a"}]}""";

    /// <summary>The content of the verbose message after the last answer.</summary>
    public static string AnswersFinished { get; } = VerboseMessage("generate_answer_finish", """{"finish_reason":0,"FinData":""}""");

    public static ReplyPlan Create(CozeChat chat, IReadOnlyList<ToolOutput> toolOutputs, string imageUrl)
    {
        var script = chat.Script;
        var answers = new ChunkedText[script.Answers];
        for (var i = 0; i < answers.Length; i++)
        {
            var answer = CreateAnswer(chat, toolOutputs, i);
            if (script.Image && i == answers.Length - 1)
                answer = ChunkedText.Split($"{answer.Text}\n\n![sandbox]({imageUrl})", script.Chunk, script.Format.AsciiOnly);
            answers[i] = answer;
        }
        var reasoning = script.Reasoning == 0
            ? null
            : ChunkedText.Generate(script.Seed + 7, script.Text, script.Reasoning, script.Chunk, script.Format.AsciiOnly);
        return new ReplyPlan(answers, reasoning);
    }

    public static IEnumerable<string> FollowUps(CozeChat chat)
    {
        for (var i = 1; i <= chat.Script.FollowUps; i++) yield return $"Follow-up question {i}?";
    }

    /// <summary>The content of a function call.</summary>
    public static string FunctionCall(string name)
    {
        var arguments = new Dictionary<string, string> { ["query"] = "sandbox" };
        return JsonSerializer.Serialize(
            new FunctionCallContent(name, arguments, "7370000000000000001", "sandbox-tools", "7370000000000000002", name),
            CozeJson.Utf8.FunctionCallContent);
    }

    private static string VerboseMessage(string kind, string data) =>
        JsonSerializer.Serialize(new VerboseContent(kind, data), CozeJson.Utf8.VerboseContent);

    private static ChunkedText CreateAnswer(CozeChat chat, IReadOnlyList<ToolOutput> toolOutputs, int index)
    {
        var script = chat.Script;
        var ascii = script.Format.AsciiOnly;
        if (script.Dictated is { } dictated) return Split(dictated);
        if (script.IsGenerated)
            return ChunkedText.Generate(unchecked(script.Seed * 31 + index), script.Text, script.Chunks ?? DefaultChunks, script.Chunk, ascii);

        var tools = toolOutputs.Count == 0 ? "" : $" The tools returned: {string.Join("; ", toolOutputs.Select(o => o.Output))}.";
        var part = script.Answers == 1 ? "" : $" This is answer {index + 1} of {script.Answers}.";
        return Split($"You said: {Shorten(chat.Prompt)}\n\nThis is the Coze sandbox, glad to hear from you.{tools}{part}");

        ChunkedText Split(string text) => ChunkedText.Split(text, script.Chunk, ascii);
    }

    private static string Shorten(string prompt)
    {
        if (prompt.Length <= MaxEchoLength) return prompt;
        var end = char.IsHighSurrogate(prompt[MaxEchoLength - 1]) ? MaxEchoLength - 1 : MaxEchoLength;
        return prompt[..end] + "…";
    }
}
