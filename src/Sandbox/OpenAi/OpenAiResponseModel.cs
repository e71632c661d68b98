using System.Text;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>Writes a response as its script says, whoever reads it.</summary>
internal sealed class OpenAiResponseModel(FakeOpenAi fake, OpenAiResponse response, ChatScript script, OpenAiPlan plan)
{
    private readonly Pacer _pacer = new(fake.Time);
    private readonly TimeSpan _pace = fake.PaceOf(script);
    private int _items;
    private int _deltas;
    private bool _hasStalled;

    /// <summary>Writes the response to its end, or until it is stopped.</summary>
    public async Task RunAsync()
    {
        using var pacer = _pacer;
        await using var stop = response.Stop.Token.Register(_pacer.Stop);
        if (await WriteAsync()) response.Completion.End(plan.Answer?.Text ?? "");
    }

    // Each of the following steps returns whether to continue.

    private async Task<bool> WriteAsync()
    {
        if (!await _pacer.WaitAsync(script.FirstByte)) return false;
        response.SetStatus("response.created", response.Status);
        if (response.IsBackground) response.SetStatus("response.queued", "queued");
        response.SetStatus("response.in_progress", "in_progress");
        if (!await _pacer.WaitAsync(script.Think)) return false;
        if (plan.Reasoning is { } reasoning && !await WriteReasoningAsync(reasoning)) return false;
        if (plan.Answer is { } answer)
        {
            if (!await WriteAnswerAsync(answer)) return false;
        }
        else if (!await EndTextAsync())
        {
            return false;
        }
        for (var i = 0; i < plan.Calls.Count; i++) WriteCall(i);
        if (plan.FinishReason is "stop" or "tool_calls") response.SetStatus("response.completed", "completed");
        else response.SetStatus("response.incomplete", "incomplete", null, plan.FinishReason == "length" ? "max_output_tokens" : "content_filter");
        return true;
    }

    private async Task<bool> WriteReasoningAsync(ChunkedText reasoning)
    {
        var id = $"rs_{response.Id}";
        var place = $"\"item_id\":\"{id}\",\"output_index\":{_items},\"summary_index\":0";
        AddItem($$"""{"type":"reasoning","id":"{{id}}","summary":[]}""");
        response.Add("response.reasoning_summary_part.added", $$"""{{place}},"part":{"type":"summary_text","text":""}""");
        foreach (var chunk in reasoning.Chunks)
        {
            if (!await _pacer.WaitAsync(_pace)) return false;
            response.Add("response.reasoning_summary_text.delta", $"{place},\"delta\":\"{Encoding.UTF8.GetString(chunk)}\"");
        }
        var part = $$"""{"type":"summary_text","text":"{{Whole(reasoning)}}"}""";
        response.Add("response.reasoning_summary_text.done", $"{place},\"text\":\"{Whole(reasoning)}\"");
        response.Add("response.reasoning_summary_part.done", $"{place},\"part\":{part}");
        EndItem($$"""{"type":"reasoning","id":"{{id}}","summary":[{{part}}]}""");
        return true;
    }

    private async Task<bool> WriteAnswerAsync(ChunkedText answer)
    {
        var id = $"msg_{response.Id}";
        var place = $"\"item_id\":\"{id}\",\"output_index\":{_items},\"content_index\":0";
        AddItem($$"""{"type":"message","id":"{{id}}","status":"in_progress","role":"assistant","content":[]}""");
        response.Add("response.content_part.added", $$"""{{place}},"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}""");
        foreach (var chunk in answer.Chunks)
        {
            if (!await ApplyFaultsAsync(isEndOfText: false) || !await _pacer.WaitAsync(_pace)) return false;
            response.Add("response.output_text.delta", $"{place},\"delta\":\"{Encoding.UTF8.GetString(chunk)}\",\"logprobs\":[]", isDelta: true);
            _deltas++;
            response.Completion.CountDelta();
        }
        if (!await EndTextAsync()) return false;
        var part = $$"""{"type":"output_text","text":"{{Whole(answer)}}","annotations":[],"logprobs":[]}""";
        response.Add("response.output_text.done", $"{place},\"text\":\"{Whole(answer)}\",\"logprobs\":[]");
        response.Add("response.content_part.done", $"{place},\"part\":{part}");
        var status = plan.FinishReason is "length" ? "incomplete" : "completed";
        EndItem($$"""{"type":"message","id":"{{id}}","status":"{{status}}","role":"assistant","content":[{{part}}]}""");
        return true;
    }

    private void WriteCall(int index)
    {
        var id = $"fc_{response.Id}_{index}";
        var place = $"\"item_id\":\"{id}\",\"output_index\":{_items}";
        AddItem(Item("", "in_progress"));
        foreach (var piece in OpenAiPlan.Arguments.Chunk(5))
            response.Add("response.function_call_arguments.delta", $"{place},\"delta\":{OpenAiError.Quote(new string(piece))}");
        response.Add(
            "response.function_call_arguments.done", $"{place},\"name\":\"{plan.Calls[index]}\",\"arguments\":{OpenAiError.Quote(OpenAiPlan.Arguments)}");
        EndItem(Item(OpenAiPlan.Arguments, "completed"));

        string Item(string arguments, string status) =>
            $$"""{"type":"function_call","id":"{{id}}","call_id":"call_sandbox{{response.Completion.Sequence}}x{{index}}","name":"{{plan.Calls[index]}}","""
            + $$""" "arguments":{{OpenAiError.Quote(arguments)}},"status":"{{status}}"}""";
    }

    private async ValueTask<bool> EndTextAsync()
    {
        if (!await ApplyFaultsAsync(isEndOfText: true)) return false;
        response.EndText();
        return true;
    }

    private async ValueTask<bool> ApplyFaultsAsync(bool isEndOfText)
    {
        bool IsDue(int after) => _deltas == after || (isEndOfText && _deltas < after);

        if (!_hasStalled && script.StallAfter is { } stallAfter && IsDue(stallAfter))
        {
            _hasStalled = true;
            if (!await _pacer.WaitAsync(script.Stall ?? Timeout.InfiniteTimeSpan)) return false;
        }
        if (script.Error is { } code && IsDue(script.ErrorAfter))
        {
            var error = OpenAiError.OfStatus(code);
            response.Add("error", $"\"code\":\"{error.Code}\",\"message\":{OpenAiError.Quote(error.Message)},\"param\":null");
            response.SetStatus(null, "failed", error);
            return false;
        }
        if (script.Failed is not { } failed || !IsDue(script.FailedAfter)) return true;
        response.SetStatus("response.failed", "failed", OpenAiError.OfStatus(failed));
        return false;
    }

    private void AddItem(string item) => response.Add("response.output_item.added", $"\"output_index\":{_items},\"item\":{item}");

    private void EndItem(string item)
    {
        response.AddItem(item);
        _items++;
    }

    private static string Whole(ChunkedText text) => string.Concat(text.Chunks.Select(Encoding.UTF8.GetString));
}
