namespace CozeCluster.Sandbox.Coze;

/// <summary>
/// Produces the reply of one chat as its script says. It does not depend on the client: a chat whose client has disconnected is
/// produced to its end. Only a chat that is canceled and has no client left stops early.
/// </summary>
internal sealed class ChatRunner
{
    private readonly FakeCoze _coze;
    private readonly CozeChat _chat;
    private readonly ChatScript _script;
    private readonly ChatStream? _client;
    private readonly IReadOnlyList<ToolOutput> _toolOutputs;
    private readonly ReplyPlan _plan;
    private readonly Pacer _pacer;
    private readonly TimeSpan _pace;
    private readonly bool _isResumed;
    private int _deltas;
    private bool _hasAborted;
    private bool _hasStalled;

    /// <param name="coze">The fake Coze.</param>
    /// <param name="chat">The chat to produce.</param>
    /// <param name="client">The client's stream. Null when the request did not ask for a stream.</param>
    /// <param name="imageUrl">The address of the image for scripted answers.</param>
    /// <param name="toolOutputs">The outputs of the client's tools, when the chat continues after <c>requires_action</c>.</param>
    public ChatRunner(FakeCoze coze, CozeChat chat, ChatStream? client, string imageUrl, IReadOnlyList<ToolOutput>? toolOutputs = null)
    {
        _coze = coze;
        _chat = chat;
        _script = chat.Script;
        _client = client;
        _isResumed = toolOutputs is not null;
        _toolOutputs = toolOutputs ?? [];
        _plan = ReplyPlan.Create(chat, _toolOutputs, imageUrl);
        _pacer = new Pacer(coze.Time);
        _pace = _script is { Pace: null, Say: null, IsGenerated: false } ? coze.EchoPace : _script.Pace ?? TimeSpan.Zero;
        chat.Runner = this;
        chat.SetProducing(true);
    }

    /// <summary>Produces the chat to its end.</summary>
    public async Task RunAsync()
    {
        try
        {
            if (await ProduceAsync() && _client is not null) await _client.SendDoneAsync();
        }
        finally
        {
            _pacer.Dispose();
            // Update the record first: a client that has read the end of its stream must find the chat ended.
            _chat.SetProducing(false);
            _client?.Close();
        }
    }

    /// <summary>Called when the client of the stream has disconnected. After the last event of the chat this has no effect.</summary>
    public void OnClientDisconnected()
    {
        if (_client is null || _client.WasAborted) return;
        _client.Close();
        if (!_chat.IsProducing || _chat.Status is not (CozeChatStatus.InProgress or CozeChatStatus.Canceled)) return;
        _chat.SetClientGone();
        StopIfAbandoned();
    }

    /// <summary>Stops a canceled chat that has no client.</summary>
    public void StopIfAbandoned()
    {
        if (_chat.Canceled && _client is not { IsClosed: false }) _pacer.Stop();
    }

    /// <summary>Stops the chat now, in any status.</summary>
    public void Stop() => _pacer.Stop();

    // Each of the following steps returns whether to continue.

    private async Task<bool> ProduceAsync()
    {
        if (!_isResumed)
        {
            if (!await _pacer.WaitAsync(_script.FirstByte)) return false;
            await SendAsync("conversation.chat.created", _chat.ToObject() with { Status = "created" }, flush: false);
        }
        await SendAsync("conversation.chat.in_progress", _chat.ToObject());
        foreach (var output in _toolOutputs) await CompleteAsync("tool_response", output.Output ?? "");

        if (!_isResumed && _script.RequiresAction is { } function) return await RequireActionAsync(function);
        if (!_isResumed && _script.Ask is { } question) return await AskAsync(question);

        if (_script.Knowledge) await CompleteAsync("verbose", ReplyPlan.Knowledge);
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
        if (_plan.Answers.Count == 0 && !await ApplyFaultsAsync(isEndOfText: true)) return false;
        if (_script.Card) await CompleteAsync("answer", ReplyPlan.Card, "card");
        return await FinishAsync();
    }

    private async Task<bool> AnswerAsync(ChunkedText text, ChunkedText? reasoning, bool isLast)
    {
        var id = _coze.Ids.NewMessageId();
        if (reasoning is not null)
        {
            var template = _client is null ? null : new DeltaTemplate(_client.Writer, _chat, id, isReasoning: true);
            foreach (var chunk in reasoning.Chunks)
            {
                if (!await _pacer.WaitAsync(_pace)) return false;
                if (template is not null) await _client!.SendAsync(template, chunk);
            }
        }

        var answerTemplate = _client is null ? null : new DeltaTemplate(_client.Writer, _chat, id);
        foreach (var chunk in text.Chunks)
        {
            if (!await ApplyFaultsAsync(isEndOfText: false) || !await _pacer.WaitAsync(_pace)) return false;
            var sent = answerTemplate is not null && await _client!.SendAsync(answerTemplate, chunk);
            _deltas++;
            _chat.CountDelta(sent);
        }
        if (isLast && !await ApplyFaultsAsync(isEndOfText: true)) return false;
        await CompleteAsync("answer", _script.Rewrite ? $"Rewritten: {text.Text}" : text.Text, id: id, reasoning: reasoning?.Text, flush: !isLast);
        return true;
    }

    // Applies the faults that the script wants after the deltas sent so far, or at the end of the text when it has fewer deltas.
    private async ValueTask<bool> ApplyFaultsAsync(bool isEndOfText)
    {
        bool IsDue(int after) => _deltas == after || (isEndOfText && _deltas < after);

        if (!_hasAborted && _script.DisconnectAfter is { } disconnectAfter && IsDue(disconnectAfter))
        {
            _hasAborted = true;
            if (_client is not null) await _client.AbortAsync();
        }
        if (!_hasStalled && _script.StallAfter is { } stallAfter && IsDue(stallAfter))
        {
            _hasStalled = true;
            if (!await _pacer.WaitAsync(_script.Stall ?? Timeout.InfiniteTimeSpan)) return false;
        }
        if (_script.Error is { } errorCode && IsDue(_script.ErrorAfter))
        {
            // The stream breaks off after this record, without the closing record.
            var error = Fail(errorCode);
            if (_client is not null) await _client.SendAsync("error", error, _client.Writer.Json.ErrorObject, flush: true);
            return false;
        }
        if (_script.Failed is { } failedCode && IsDue(_script.FailedAfter))
        {
            var error = Fail(failedCode);
            if (_client is null) return false;
            if (_script.FailedBare) await _client.SendAsync("conversation.chat.failed", error, _client.Writer.Json.ErrorObject, flush: false);
            else await SendAsync("conversation.chat.failed", _chat.ToObject(), flush: false);
            await _client.SendDoneAsync();
            return false;
        }
        return true;
    }

    private ErrorObject Fail(int code)
    {
        var error = new ErrorObject(code, CozeErrorCodes.GetText(code));
        _chat.Finish(CozeChatStatus.Failed, _coze.Time.GetUtcNow(), error);
        return error;
    }

    private async Task<bool> RequireActionAsync(string function)
    {
        await CompleteAsync("function_call", ReplyPlan.FunctionCall(function));
        var call = new ToolCall(_coze.Ids.NewToolCallId(), "function", new ToolFunction(function, """{"query":"sandbox"}"""));
        _chat.RequireAction(new RequiredAction("submit_tool_outputs", new SubmitToolOutputs([call])));
        await SendAsync("conversation.chat.requires_action", _chat.ToObject(), flush: false);
        return true;
    }

    // The question node of a chatflow. There is no function: the user answers with the next message.
    private async Task<bool> AskAsync(string question)
    {
        await CompleteAsync("answer", question);
        _chat.RequireAction(new RequiredAction("submit_tool_outputs", new SubmitToolOutputs([new ToolCall(_coze.Ids.NewToolCallId(), "reply_message", null)])));
        await SendAsync("conversation.chat.requires_action", _chat.ToObject(), flush: false);
        return true;
    }

    private async Task<bool> FinishAsync()
    {
        // There are no delays from here on, so these events are sent together with the closing record.
        if (_script.Verbose) await CompleteAsync("verbose", ReplyPlan.TimeCapsule, flush: false);
        await CompleteAsync("verbose", ReplyPlan.AnswersFinished, flush: false);
        foreach (var question in ReplyPlan.FollowUps(_chat)) await CompleteAsync("follow_up", question, flush: false);
        for (var i = 1; i < _script.Audio; i++) await SendAudioAsync();

        _chat.Usage = CalculateUsage();
        _chat.Finish(CozeChatStatus.Completed, _coze.Time.GetUtcNow());
        await SendAsync("conversation.chat.completed", _chat.ToObject(), flush: false);
        // On the real server audio may arrive after the completed chat.
        if (_script.Audio > 0) await SendAudioAsync();
        return true;
    }

    private ValueTask SendAudioAsync() =>
        SendMessageAsync("conversation.audio.delta", CreateMessage("answer", "AAAAAA==", "audio", _coze.Ids.NewMessageId(), reasoning: null), flush: false);

    private ValueTask CompleteAsync(
        string type, string content, string contentType = "text", string? id = null, string? reasoning = null, bool flush = true)
    {
        var message = CreateMessage(type, content, contentType, id ?? _coze.Ids.NewMessageId(), reasoning);
        _chat.Add(message);
        return SendMessageAsync("conversation.message.completed", message, flush);
    }

    private ValueTask SendMessageAsync(string name, MessageObject message, bool flush) =>
        _client is null ? ValueTask.CompletedTask : _client.SendAsync(name, message, _client.Writer.Json.MessageObject, flush);

    private ValueTask SendAsync(string name, ChatObject chat, bool flush = true) =>
        _client is null ? ValueTask.CompletedTask : _client.SendAsync(name, chat, _client.Writer.Json.ChatObject, flush);

    private MessageObject CreateMessage(string type, string content, string contentType, string id, string? reasoning)
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

    private UsageObject? CalculateUsage()
    {
        if (_script.Usage is { Absent: true }) return null;
        // About four characters per token.
        var input = _script.Usage?.Input ?? 1 + _chat.Request.Sum(m => m.Content.Length) / 4;
        var output = _script.Usage?.Output ?? 1 + _plan.Answers.Sum(a => a.Text.Length) / 4;
        return _script.Format.UsageInTokens
            ? new UsageObject(input + output, null, null, output, input)
            : new UsageObject(input + output, output, input, null, null);
    }
}
