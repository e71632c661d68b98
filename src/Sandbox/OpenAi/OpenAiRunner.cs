using System.Text;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>Sends one completion as its script says. It stops when its client disconnects, as the real server does.</summary>
internal sealed class OpenAiRunner(HttpContext http, FakeOpenAi fake, OpenAiCompletion completion, ChatScript script, OpenAiPlan plan, bool includeUsage)
{
    // An abort discards bytes that the socket has not sent yet. This delay is about the network, so it uses the system clock.
    private static readonly TimeSpan AbortDelay = TimeSpan.FromMilliseconds(30);

    private readonly OpenAiEvents _events = new(http, script.Format);
    private readonly Pacer _pacer = new(fake.Time);
    private readonly TimeSpan _pace = fake.PaceOf(script);
    private int _deltas;
    private bool _hasStalled;

    /// <summary>Sends the completion.</summary>
    public async Task RunAsync()
    {
        using var pacer = _pacer;
        await using var gone = http.RequestAborted.Register(_pacer.Stop);
        try
        {
            if (!await _pacer.WaitAsync(script.FirstByte)) return;
            if (completion.IsStream ? await StreamAsync() : await WriteWholeAsync()) completion.End(plan.Answer?.Text ?? "");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client has disconnected.
        }
        finally
        {
            if (completion.Reply is null && http.RequestAborted.IsCancellationRequested && script.DisconnectAfter is null) completion.SetClientGone();
        }
    }

    // Each of the following steps returns whether to continue.

    private async Task<bool> StreamAsync()
    {
        await SendAsync(Chunk("""{"role":"assistant","content":""}"""));
        if (!await _pacer.WaitAsync(script.Think)) return false;
        foreach (var chunk in plan.Reasoning?.Chunks ?? [])
        {
            if (!await _pacer.WaitAsync(_pace)) return false;
            await SendAsync(Chunk($$"""{"reasoning_content":"{{Encoding.UTF8.GetString(chunk)}}"}"""));
        }
        foreach (var chunk in plan.Answer?.Chunks ?? [])
        {
            if (!await ApplyFaultsAsync(isEndOfText: false) || !await _pacer.WaitAsync(_pace)) return false;
            await SendAsync(Chunk($$"""{"content":"{{Encoding.UTF8.GetString(chunk)}}"}"""));
            _deltas++;
            completion.CountDelta();
        }
        if (!await ApplyFaultsAsync(isEndOfText: true)) return false;
        for (var i = 0; i < plan.Calls.Count; i++) await SendCallAsync(i);
        await SendAsync(Chunk("{}", $"\"{plan.FinishReason}\""));
        if (script.Hold)
        {
            completion.End(plan.Answer?.Text ?? "");
            return await _pacer.WaitAsync(Timeout.InfiniteTimeSpan);
        }
        if (includeUsage) await SendAsync($$"""{{Head("chat.completion.chunk")}},"choices":[],"usage":{{Usage()}}}""");
        if (script.Format.Done != DoneFormat.None) await SendAsync("[DONE]");
        return true;
    }

    private async Task SendCallAsync(int index)
    {
        var function = $$"""{"name":"{{plan.Calls[index]}}","arguments":""}""";
        await SendAsync(Chunk($$"""{"tool_calls":[{"index":{{index}},"id":"{{CallId(index)}}","type":"function","function":{{function}}}]}"""));
        foreach (var piece in OpenAiPlan.Arguments.Chunk(5))
        {
            var arguments = OpenAiError.Quote(new string(piece));
            await SendAsync(Chunk($$$"""{"tool_calls":[{"index":{{{index}}},"function":{"arguments":{{{arguments}}}}}]}"""));
        }
    }

    private async Task<bool> WriteWholeAsync()
    {
        if (!await ApplyFaultsAsync(isEndOfText: true)) return false;
        var calls = plan.Calls.Select((name, i) => $$$"""
            {"id":"{{{CallId(i)}}}","type":"function","function":{"name":"{{{name}}}","arguments":{{{OpenAiError.Quote(OpenAiPlan.Arguments)}}}}}
            """.Trim());
        var content = plan.Answer is { } answer ? OpenAiError.Quote(answer.Text) : "null";
        var reasoning = plan.Reasoning is { } thought ? $",\"reasoning_content\":{OpenAiError.Quote(thought.Text)}" : "";
        var toolCalls = plan.Calls.Count > 0 ? $",\"tool_calls\":[{string.Join(',', calls)}]" : "";
        var message = $$"""{"role":"assistant","content":{{content}},"refusal":null{{reasoning}}{{toolCalls}}}""";
        http.Response.ContentType = "application/json";
        var choice = $$"""{"index":0,"message":{{message}},"logprobs":null,"finish_reason":"{{plan.FinishReason}}"}""";
        await http.Response.WriteAsync($$"""{{Head("chat.completion")}},"choices":[{{choice}}],"usage":{{Usage()}}}""", http.RequestAborted);
        return true;
    }

    private async ValueTask<bool> ApplyFaultsAsync(bool isEndOfText)
    {
        bool IsDue(int after) => _deltas == after || (isEndOfText && _deltas < after);

        if (script.DisconnectAfter is { } disconnectAfter && IsDue(disconnectAfter))
        {
            await Task.Delay(AbortDelay, TimeProvider.System, CancellationToken.None);
            http.Abort();
            return false;
        }
        if (!_hasStalled && script.StallAfter is { } stallAfter && IsDue(stallAfter))
        {
            _hasStalled = true;
            if (!await _pacer.WaitAsync(script.Stall ?? Timeout.InfiniteTimeSpan)) return false;
        }
        var error = script.Error is { } code && IsDue(script.ErrorAfter) ? OpenAiError.OfStatus(code)
            : script.Failed is { } failed && IsDue(script.FailedAfter) ? OpenAiError.OfStatus(failed)
            : null;
        if (error is null) return true;
        if (completion.IsStream) await SendAsync(Encoding.UTF8.GetString(error.ToJson()));
        else await error.WriteAsync(http);
        return false;
    }

    private Task SendAsync(string data) => _events.SendAsync(data);

    private string Chunk(string delta, string finishReason = "null")
    {
        var usage = includeUsage ? ",\"usage\":null" : "";
        return $$"""{{Head("chat.completion.chunk")}},"choices":[{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":{{finishReason}}}]{{usage}}}""";
    }

    private string Head(string kind) =>
        $$"""{"id":"{{completion.Id}}","object":"{{kind}}","created":{{fake.Time.GetUtcNow().ToUnixTimeSeconds()}},"model":"{{completion.Model}}" """.TrimEnd();

    private string Usage()
    {
        var (input, output) = (plan.InputTokens, plan.OutputTokens);
        var reasoning = (plan.Reasoning?.Text.Length ?? 0) / 4;
        return $$$"""
            {"prompt_tokens":{{{input}}},"completion_tokens":{{{output}}},"total_tokens":{{{input + output}}},
            "prompt_tokens_details":{"cached_tokens":{{{input / 2}}}},"completion_tokens_details":{"reasoning_tokens":{{{reasoning}}}}}
            """.Replace("\n", "", StringComparison.Ordinal);
    }

    private string CallId(int index) => $"call_sandbox{completion.Sequence}x{index}";
}
