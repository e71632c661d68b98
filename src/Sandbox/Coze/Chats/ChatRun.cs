using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>
/// Produces one chat at its own pace, whoever listens: it goes on when the client drops the socket, and ends early only when the chat
/// was canceled and nobody listens any more.
/// </summary>
internal sealed class ChatRun
{
    private readonly FakeCoze _coze;
    private readonly CozeChat _chat;
    private readonly ChatScript _script;
    private readonly ChatStream? _client;
    private readonly IReadOnlyList<ToolOutput> _toolOutputs;
    private readonly ReplyPlan _plan;
    private readonly Pacer _pacer;
    private readonly bool _resumed;
    private int _deltas;
    private bool _cutDone;
    private bool _stallDone;

    /// <param name="coze">The fake.</param>
    /// <param name="chat">The chat to produce.</param>
    /// <param name="client">Who listens; null when the request did not ask for a stream.</param>
    /// <param name="imageUrl">Where the sandbox's picture is found.</param>
    /// <param name="toolOutputs">What the client's tools returned, when a chat goes on after <c>requires_action</c>.</param>
    public ChatRun(FakeCoze coze, CozeChat chat, ChatStream? client, string imageUrl, IReadOnlyList<ToolOutput>? toolOutputs = null)
    {
        _coze = coze;
        _chat = chat;
        _script = chat.Script;
        _client = client;
        _resumed = toolOutputs is not null;
        _toolOutputs = toolOutputs ?? [];
        _plan = ReplyPlan.For(chat, _toolOutputs, imageUrl);
        _pacer = new Pacer(coze.Time);
        chat.Run = this;
        chat.MarkProducing(true);
    }

    /// <summary>Produces the chat to its end; never throws.</summary>
    public async Task RunAsync()
    {
        try
        {
            if (await ProduceAsync() && _client is not null) await _client.SendDoneAsync();
        }
        finally
        {
            _pacer.Dispose();
            // First on the record, then seen by the client.
            _chat.MarkProducing(false);
            _client?.Leave();
        }
    }

    /// <summary>The client of the stream closed its socket; after the last event of the chat that is nobody's loss.</summary>
    public void ClientLeft()
    {
        if (_client is null || _client.WasCut) return;
        _client.Leave();
        if (!_chat.IsProducing || _chat.Status is not (CozeChatStatus.InProgress or CozeChatStatus.Canceled)) return;
        _chat.MarkClientGone();
        StopIfUnwanted();
    }

    /// <summary>Ends production of a canceled chat that nobody listens to.</summary>
    public void StopIfUnwanted()
    {
        if (_chat.Canceled && _client is not { Gone: false }) _pacer.Stop();
    }

    /// <summary>Ends production now, whatever the status.</summary>
    public void Stop() => _pacer.Stop();

    // Every step below answers whether to go on.

    private async Task<bool> ProduceAsync()
    {
        if (!_resumed)
        {
            if (!await _pacer.WaitAsync(_script.FirstByte)) return false;
            await SendAsync("conversation.chat.created", _chat.ToWire() with { Status = "created" }, flush: false);
        }
        await SendAsync("conversation.chat.in_progress", _chat.ToWire());
        foreach (var output in _toolOutputs) await CompleteAsync("tool_response", output.Output ?? "");

        if (!_resumed && _script.RequiresAction is { } function) return await RequireActionAsync(function);

        if (_script.Knowledge) await CompleteAsync("verbose", ReplyPlan.Verbose("knowledge_recall", """{"chunks":[{"slice":"The sandbox knows this.","score":0.9}]}"""));
        foreach (var tool in _script.Tools)
        {
            await CompleteAsync("function_call", ReplyPlan.FunctionCall(tool));
            await CompleteAsync("tool_response", $"The sandbox's result of {tool}.");
        }
        if (!await _pacer.WaitAsync(_script.Think)) return false;

        for (var i = 0; i < _plan.Answers.Count; i++)
        {
            if (!await AnswerAsync(_plan.Answers[i], i == 0 ? _plan.Reasoning : null, isLast: i == _plan.Answers.Count - 1)) return false;
        }
        if (_plan.Answers.Count == 0 && !await BoundaryAsync(isLast: true)) return false;
        if (_script.Card) await CompleteAsync("answer", """{"card":"sandbox","elements":[]}""", "card");
        return await FinishAsync();
    }

    private async Task<bool> AnswerAsync(ReplyText text, ReplyText? reasoning, bool isLast)
    {
        var id = _coze.Ids.Message();
        if (reasoning is not null)
        {
            var thought = _client is null ? null : new DeltaFrame(_client.Form, _chat, id, reasoning: true);
            foreach (var chunk in reasoning.Chunks)
            {
                if (!await _pacer.WaitAsync(_script.Pace)) return false;
                if (thought is not null) await _client!.SendAsync(thought, chunk);
            }
        }

        var frame = _client is null ? null : new DeltaFrame(_client.Form, _chat, id);
        foreach (var chunk in text.Chunks)
        {
            if (!await BoundaryAsync(isLast: false) || !await _pacer.WaitAsync(_script.Pace)) return false;
            var sent = frame is not null && await _client!.SendAsync(frame, chunk);
            _deltas++;
            _chat.CountDelta(sent);
        }
        if (isLast && !await BoundaryAsync(isLast: true)) return false;
        await CompleteAsync("answer", _script.Rewrite ? $"Rewritten: {text.Text}" : text.Text, id: id, reasoning: reasoning?.Text, flush: !isLast);
        return true;
    }

    // What a script does after so many deltas, or at the end of the text when there are fewer.
    private async ValueTask<bool> BoundaryAsync(bool isLast)
    {
        bool Reached(int after) => _deltas == after || (isLast && _deltas < after);

        if (!_cutDone && _script.DisconnectAfter is { } cut && Reached(cut))
        {
            _cutDone = true;
            if (_client is not null) await _client.CutAsync();
        }
        if (!_stallDone && _script.StallAfter is { } stall && Reached(stall))
        {
            _stallDone = true;
            if (!await _pacer.WaitAsync(_script.Stall ?? Timeout.InfiniteTimeSpan)) return false;
        }
        if (_script.Error is { } error && Reached(_script.ErrorAfter))
        {
            // The stream breaks off after this record: no done.
            var fault = Fail(error);
            if (_client is not null) await _client.SendAsync("error", fault, _client.Form.Json.ErrorObject, flush: true);
            return false;
        }
        if (_script.Failed is { } failed && Reached(_script.FailedAfter))
        {
            var fault = Fail(failed);
            if (_client is null) return false;
            if (_script.FailedBare) await _client.SendAsync("conversation.chat.failed", fault, _client.Form.Json.ErrorObject, flush: false);
            else await SendAsync("conversation.chat.failed", _chat.ToWire(), flush: false);
            await _client.SendDoneAsync();
            return false;
        }
        return true;
    }

    private ErrorObject Fail(int code)
    {
        var error = new ErrorObject(code, CozeErrors.Text(code));
        _chat.Finish(CozeChatStatus.Failed, _coze.Time.GetUtcNow(), error);
        return error;
    }

    private async Task<bool> RequireActionAsync(string function)
    {
        await CompleteAsync("function_call", ReplyPlan.FunctionCall(function));
        var call = new ToolCall(_coze.Ids.ToolCall(), "function", new ToolFunction(function, """{"query":"sandbox"}"""));
        _chat.Require(new RequiredAction("submit_tool_outputs", new SubmitToolOutputs([call])));
        await SendAsync("conversation.chat.requires_action", _chat.ToWire(), flush: false);
        return true;
    }

    private async Task<bool> FinishAsync()
    {
        // Nothing waits from here on, so all of it goes out with the closing record.
        if (_script.Verbose) await CompleteAsync("verbose", ReplyPlan.Verbose("time_capsule_recall", """{"origin_search_results":"[]"}"""), flush: false);
        await CompleteAsync("verbose", ReplyPlan.Verbose("generate_answer_finish", """{"finish_reason":0,"FinData":""}"""), flush: false);
        foreach (var question in ReplyPlan.FollowUps(_chat)) await CompleteAsync("follow_up", question, flush: false);
        for (var i = 1; i < _script.Audio; i++) await SendAudioAsync();

        _chat.Usage = CountUsage();
        _chat.Finish(CozeChatStatus.Completed, _coze.Time.GetUtcNow());
        await SendAsync("conversation.chat.completed", _chat.ToWire(), flush: false);
        // Sound may come after the chat is complete.
        if (_script.Audio > 0) await SendAudioAsync();
        return true;
    }

    private ValueTask SendAudioAsync() => SendMessageAsync("conversation.audio.delta", Message("answer", "AAAAAA==", "audio", _coze.Ids.Message(), null), flush: false);

    private ValueTask CompleteAsync(string type, string content, string contentType = "text", string? id = null, string? reasoning = null, bool flush = true)
    {
        var message = Message(type, content, contentType, id ?? _coze.Ids.Message(), reasoning);
        _chat.Add(message);
        return SendMessageAsync("conversation.message.completed", message, flush);
    }

    private ValueTask SendMessageAsync(string name, MessageObject message, bool flush) =>
        _client is null ? ValueTask.CompletedTask : _client.SendAsync(name, message, _client.Form.Json.MessageObject, flush);

    private ValueTask SendAsync(string name, ChatObject chat, bool flush = true) =>
        _client is null ? ValueTask.CompletedTask : _client.SendAsync(name, chat, _client.Form.Json.ChatObject, flush);

    private MessageObject Message(string type, string content, string contentType, string id, string? reasoning)
    {
        var now = _coze.Time.GetUtcNow().ToUnixTimeSeconds();
        return new MessageObject
        {
            Id = id,
            ConversationId = _chat.ConversationId,
            BotId = _chat.BotId,
            ChatId = _chat.Id,
            SectionId = _chat.SectionId,
            Role = "assistant",
            Type = type,
            Content = content,
            ContentType = contentType,
            ReasoningContent = reasoning,
            CreatedAt = now,
            UpdatedAt = now,
        };
    }

    private UsageObject? CountUsage()
    {
        if (_script.Usage is { Absent: true }) return null;
        // About four characters to a token.
        var input = _script.Usage?.Input ?? 1 + _chat.Request.Sum(m => m.Content.Length) / 4;
        var output = _script.Usage?.Output ?? 1 + _plan.Answers.Sum(a => a.Text.Length) / 4;
        return _script.Wire.UsageInTokens
            ? new UsageObject(input + output, null, null, output, input)
            : new UsageObject(input + output, output, input, null, null);
    }
}
