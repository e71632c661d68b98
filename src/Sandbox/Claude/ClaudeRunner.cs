using System.Text;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Claude;

/// <summary>Produces one reply as its script says, as a stream or as one JSON object. Nothing is produced after its client has gone.</summary>
internal sealed class ClaudeRunner(HttpContext http, FakeClaude claude, ClaudeRecord record, ClaudeScript script, ClaudeReplyPlan plan)
{
    /// <summary>How the signatures of thinking begin.</summary>
    public const string Signature = "sandbox-signature-";

    // An abort discards bytes that the socket has not sent yet. This delay is about the network, so it uses the system clock.
    private static readonly TimeSpan AbortDelay = TimeSpan.FromMilliseconds(30);

    private readonly ClaudeSse _sse = new(http, script);
    private readonly List<string> _content = [];
    private int _deltas;
    private bool _hasStalled;

    /// <summary>Produces the reply to its end.</summary>
    public async Task RunAsync()
    {
        using var pacer = new Pacer(claude.Time);
        using var abandoned = http.RequestAborted.Register(pacer.Stop);
        record.Thinking = string.Concat(plan.Blocks.Where(block => block.Type == "thinking").Select(block => block.Text.Text));
        record.Text = string.Concat(plan.Blocks.Where(block => block.Type == "text").Select(block => block.Text.Text));
        var status = ClaudeMessageStatus.Abandoned;
        try
        {
            if (await ProduceAsync(pacer)) status = ClaudeMessageStatus.Completed;
            else if (!http.RequestAborted.IsCancellationRequested) status = ClaudeMessageStatus.Failed;
        }
        catch (ClaudeException)
        {
            status = ClaudeMessageStatus.Failed;
            throw;
        }
        finally
        {
            // Update the record first: a client that has read the end of its stream must find the reply ended.
            record.Status = status;
            claude.NotifyChanged();
        }
        if (status == ClaudeMessageStatus.Completed) await FinishAsync();
    }

    private string Message(string content, string stop, string usage) =>
        $$"""{"id":"{{record.Id}}","type":"message","role":"assistant","model":"{{record.Model}}","content":[{{content}}],{{stop}},"usage":{{usage}}}""";

    // Returns false if the reply has no regular end.
    private async Task<bool> ProduceAsync(Pacer pacer)
    {
        if (!await pacer.WaitAsync(script.FirstByte)) return false;
        await SendAsync("message_start", $"\"message\":{Message("", "\"stop_reason\":null,\"stop_sequence\":null", Usage(output: 1))}");
        await SendAsync("ping", null);
        if (script.Unknown) await SendAsync("message_surprise", "\"surprise\":[1,{}]");
        if (!await pacer.WaitAsync(script.Think)) return false;
        for (var index = 0; index < plan.Blocks.Count; index++)
        {
            if (!await ProduceBlockAsync(pacer, plan.Blocks[index], index)) return false;
        }
        return await ApplyFaultsAsync(pacer, isEnd: true);
    }

    private async Task<bool> ProduceBlockAsync(Pacer pacer, ClaudePlannedBlock block, int index)
    {
        var id = claude.NewId("toolu");
        var (start, deltaType, field) = block.Type switch
        {
            "text" => ("\"text\":\"\"", "text_delta", "text"),
            "thinking" => ("\"thinking\":\"\",\"signature\":\"\"", "thinking_delta", "thinking"),
            "redacted_thinking" => ("\"data\":\"c2FuZGJveA==\"", "", ""),
            _ => ($"\"id\":\"{id}\",\"name\":{ClaudeApi.Quote(block.Name)},\"input\":{{}}", "input_json_delta", "partial_json"),
        };
        await SendAsync("content_block_start", $"\"index\":{index},\"content_block\":{{\"type\":\"{block.Type}\",{start}}}");
        if (deltaType == "input_json_delta") await SendDeltaAsync(index, deltaType, field, []);
        var pace = script.Pace ?? (script is { Say: null, Chunks: null } ? claude.EchoPace : TimeSpan.Zero);
        foreach (var chunk in block.Text.Chunks)
        {
            if (!await ApplyFaultsAsync(pacer, isEnd: false) || !await pacer.WaitAsync(pace)) return false;
            await SendDeltaAsync(index, deltaType, field, chunk);
            record.Deltas = ++_deltas;
            if (http.RequestAborted.IsCancellationRequested) return false;
        }
        if (block.Type == "thinking") await SendDeltaAsync(index, "signature_delta", "signature", Encoding.ASCII.GetBytes($"{Signature}{index}"));
        await SendAsync("content_block_stop", $"\"index\":{index}");
        _content.Add(block.Type switch
        {
            "text" => $"{{\"type\":\"text\",\"text\":{ClaudeApi.Quote(block.Text.Text)}}}",
            "thinking" => $"{{\"type\":\"thinking\",\"thinking\":{ClaudeApi.Quote(block.Text.Text)},\"signature\":\"{Signature}{index}\"}}",
            "redacted_thinking" => $"{{\"type\":\"redacted_thinking\",{start}}}",
            _ => $"{{\"type\":\"tool_use\",\"id\":\"{id}\",\"name\":{ClaudeApi.Quote(block.Name)},\"input\":{block.Text.Text}}}",
        });
        return true;
    }

    private async Task FinishAsync()
    {
        var sequence = plan.StopSequence is { } text ? ClaudeApi.Quote(text) : "null";
        var stop = $"\"stop_reason\":\"{plan.StopReason}\",\"stop_sequence\":{sequence}";
        if (!plan.Stream)
        {
            await ClaudeApi.WriteAsync(http, Message(string.Join(',', _content), stop, Usage(plan.OutputTokens)));
            return;
        }
        await SendAsync("message_delta", $"\"delta\":{{{stop}}},\"usage\":{Usage(plan.OutputTokens)}");
        await SendAsync("message_stop", null);
    }

    // Applies the faults that are due after the deltas sent so far, or at the end if there were fewer.
    private async ValueTask<bool> ApplyFaultsAsync(Pacer pacer, bool isEnd)
    {
        bool IsDue(int? after) => after is { } count && (_deltas == count || (isEnd && _deltas < count));

        if (!_hasStalled && IsDue(script.StallAfter))
        {
            _hasStalled = true;
            if (!await pacer.WaitAsync(script.Stall ?? Timeout.InfiniteTimeSpan)) return false;
        }
        if (script.Error is { } name && IsDue(script.ErrorAfter))
        {
            var error = ClaudeException.Named(name);
            if (!plan.Stream) throw error;
            await _sse.WriteAsync("error", Encoding.UTF8.GetBytes(ClaudeApi.ErrorObject(error, http.Response.Headers["request-id"]!)));
            return false;
        }
        if (IsDue(script.CutAfter)) return false;
        if (!IsDue(script.DisconnectAfter)) return true;
        await Task.Delay(AbortDelay, TimeProvider.System, CancellationToken.None);
        http.Abort();
        record.Status = ClaudeMessageStatus.Failed;
        return false;
    }

    private Task SendAsync(string name, string? members) => plan.Stream
        ? _sse.WriteAsync(name, Encoding.UTF8.GetBytes(members is null ? $"{{\"type\":\"{name}\"}}" : $"{{\"type\":\"{name}\",{members}}}"))
        : Task.CompletedTask;

    private Task SendDeltaAsync(int index, string type, string field, byte[] escaped) => plan.Stream
        ? _sse.WriteAsync("content_block_delta", [
            .. Encoding.UTF8.GetBytes($"{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"{type}\",\"{field}\":\""),
            .. escaped, .. "\"}}"u8])
        : Task.CompletedTask;

    private string Usage(int output)
    {
        var (read, write) = script.Cache ?? (0, 0);
        return $$"""
            {"input_tokens":{{plan.InputTokens}},"cache_read_input_tokens":{{read}},"cache_creation_input_tokens":{{write}},"output_tokens":{{output}},
            """.TrimEnd() + $$"""
            "output_tokens_details":{"thinking_tokens":{{(output == 1 ? 0 : plan.ThinkingTokens)}}},"service_tier":"standard"}
            """;
    }
}

/// <summary>Writes the events of a stream in the form that the script wants.</summary>
internal sealed class ClaudeSse(HttpContext http, ClaudeScript script)
{
    /// <summary>Writes an event.</summary>
    public async Task WriteAsync(string name, byte[] data)
    {
        if (!http.Response.HasStarted)
        {
            http.Response.ContentType = "text/event-stream; charset=utf-8";
            http.Response.Headers.CacheControl = "no-cache";
        }
        var colon = script.SpaceAfterColon ? ": " : ":";
        var line = script.CarriageReturn ? "\r\n" : "\n";
        byte[] record = [.. Encoding.UTF8.GetBytes($"event{colon}{name}{line}data{colon}"), .. data, .. Encoding.UTF8.GetBytes(line + line)];
        foreach (var piece in script.Torn ? record.Chunk(1) : [record])
        {
            await http.Response.Body.WriteAsync(piece, http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }
}
