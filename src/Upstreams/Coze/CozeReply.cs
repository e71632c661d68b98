using System.Buffers;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>The status of a chat.</summary>
internal enum CozeChatStatus
{
    /// <summary><c>created</c>, <c>in_progress</c>, or an unknown status.</summary>
    Running,

    /// <summary><c>completed</c>.</summary>
    Completed,

    /// <summary><c>requires_action</c>: the chat waits for tool outputs.</summary>
    RequiresAction,

    /// <summary><c>failed</c>.</summary>
    Failed,

    /// <summary><c>canceled</c>.</summary>
    Canceled,
}

internal static class CozeChatStatuses
{
    /// <summary>Parses the <c>status</c> of a Chat object.</summary>
    public static CozeChatStatus Parse(string? text) => text switch
    {
        "completed" => CozeChatStatus.Completed,
        "requires_action" => CozeChatStatus.RequiresAction,
        "failed" => CozeChatStatus.Failed,
        "canceled" or "cancelled" => CozeChatStatus.Canceled,
        _ => CozeChatStatus.Running,
    };
}

/// <summary>
/// Translates Coze's Message and Chat objects into the parts, ids, usage and end of one reply. Event streams and polled message lists both use it, so that a
/// reply that is read again equals the reply that was streamed. Not thread-safe.
/// </summary>
/// <param name="ids">The ids that are known at the start.</param>
internal sealed class CozeReply(CozeIds ids)
{
    private readonly CozeReplyTexts _texts = new();
    private readonly Dictionary<string, int> _itemsWithoutId = [];
    private readonly List<CardItem> _cards = [];
    private bool _hasContent;
    private bool _isAnswerCompleted;
    private bool _areAnswersFinished;
    private bool _isIdentified;

    /// <summary>Whether the reply has ended. Later events are ignored.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Whether an answer has been completed, or Coze has reported that all answers are.</summary>
    public bool HasAnswer => _isAnswerCompleted || _areAnswersFinished;

    /// <summary>The error with which the reply ended; null if there is none.</summary>
    public Error? Failure { get; private set; }

    /// <summary>Coze's id of the chat; null while it is unknown.</summary>
    public string? ChatId => ids[CozeIds.Chat];

    /// <summary>Coze's id of the request, for its support.</summary>
    public string? LogId => ids[CozeIds.Log];

    /// <summary>Handles a delta of a message.</summary>
    public void OnDelta(scoped in CozeMessage message, IReplySink sink)
    {
        if (!message.IsAnswer) return;
        ReadIds(message, sink);
        // The completed message contained the whole text. What comes after it is a repetition.
        if (_texts.IsCompleted(message.Id)) return;
        AddText(message.Id, TextKind.Reasoning, message.Reasoning, isWhole: false, sink);
        if (message.IsText) AddText(message.Id, TextKind.Answer, message.Content, isWhole: false, sink);
    }

    /// <summary>Handles a completed message. It contains the whole text, whether or not there were deltas.</summary>
    public void OnMessageCompleted(scoped in CozeMessage message, IReplySink sink)
    {
        if (message.Role.Is("user"u8)) return;
        ReadIds(message, sink);
        if (!message.IsAnswer)
        {
            if (CozeItems.IsAnswersFinished(message)) _areAnswersFinished = true;
            else if (CozeItems.FromMessage(message, GetItemId(message)) is { } item) sink.Add(item);
            return;
        }
        _texts.AssignId(message.Id);
        AddText(message.Id, TextKind.Reasoning, message.Reasoning, isWhole: true, sink);
        if (message.IsText) AddText(message.Id, TextKind.Answer, message.Content, isWhole: true, sink);
        else if (message.ContentType.Is("object_string"u8)) _hasContent |= CozeItems.AddObjectString(message, GetItemId(message), _texts, sink);
        else if (message.ContentType.Is("card"u8)) AddCard(new CardItem(GetItemId(message), message.Content.ToString()), sink);
        _texts.Complete(message.Id, sink);
        _isAnswerCompleted = true;
    }

    /// <summary>Handles the current state of the chat.</summary>
    /// <param name="chat">A Chat object, or only <c>{code,msg}</c> if the chat failed.</param>
    /// <param name="eventStatus">The status in the name of the event; null to use the status in the object.</param>
    /// <param name="sink">The reply log.</param>
    public void OnChat(JsonElement chat, CozeChatStatus? eventStatus, IReplySink sink)
    {
        ids.Set(CozeIds.Conversation, chat.GetText("conversation_id"u8));
        ids.Set(CozeIds.Chat, chat.GetText("id"u8) ?? chat.GetText("chat_id"u8));
        ids.Set(CozeIds.Bot, chat.GetText("bot_id"u8));
        ids.Report(sink);
        var objectStatus = CozeChatStatuses.Parse(chat.GetText("status"u8));
        // The object of an end event may name another end (completed, but canceled), or may still have the status "in_progress".
        var status = eventStatus switch
        {
            null => objectStatus,
            CozeChatStatus.Running => CozeChatStatus.Running,
            _ => objectStatus == CozeChatStatus.Running ? eventStatus.Value : objectStatus,
        };
        ReportUsage(chat.GetMember("usage"u8), sink);
        switch (status)
        {
            case CozeChatStatus.Completed:
                Complete(FinishReason.Stop, sink);
                break;
            case CozeChatStatus.RequiresAction:
                RequireAction(chat, sink);
                break;
            case CozeChatStatus.Failed:
                var error = chat.GetMember("last_error"u8);
                Fail(CozeErrors.ToError(CozeRefusal.Parse(error.ValueKind == JsonValueKind.Object ? error : chat, LogId)), sink);
                break;
            case CozeChatStatus.Canceled:
                Fail(new Error(ErrorCode.Cancelled, "The chat was cancelled at Coze."), sink);
                break;
        }
    }

    /// <summary>Handles the end of the event stream (<c>done</c>).</summary>
    /// <returns>False if the end of the chat is missing and the reply may be incomplete.</returns>
    public bool OnDone(IReplySink sink)
    {
        if (HasEnded) return true;
        // The reply is complete if Coze has reported that all answers are finished. It is also taken as complete if an answer is complete and the chat has no
        // id by which it could be polled.
        if (!_areAnswersFinished && !(_isAnswerCompleted && ChatId is null)) return false;
        Complete(FinishReason.Stop, sink);
        return true;
    }

    /// <summary>Ends the reply with an error.</summary>
    public void Fail(Error error, IReplySink sink)
    {
        if (HasEnded) return;
        HasEnded = true;
        Failure = error;
        sink.Fail(error);
    }

    private void RequireAction(JsonElement chat, IReplySink sink)
    {
        try
        {
            var (calls, asksUser) = CozeItems.ReadRequiredAction(chat);
            foreach (var call in calls) sink.Add(call);
            if (calls.Count > 0) Complete(FinishReason.ToolCalls, sink);
            else if (asksUser && (_hasContent || _cards.Count > 0)) Complete(FinishReason.Stop, sink);
            else Fail(new Error(ErrorCode.UpstreamProtocol, "The bot asks the user a question, but Coze did not send its text."), sink);
        }
        catch (ClusterException e)
        {
            Fail(e.ToError(), sink);
        }
    }

    private void AddCard(CardItem card, IReplySink sink)
    {
        sink.Add(card);
        if (!_cards.Exists(known => known.Id == card.Id)) _cards.Add(card);
    }

    private void Complete(FinishReason reason, IReplySink sink)
    {
        HasEnded = true;
        if (!_hasContent)
        {
            foreach (var card in _cards)
            {
                var part = sink.Open(card.Id, TextKind.Answer);
                sink.Set(part, CozeCards.ToMarkdown(card.Content));
                sink.Close(part);
            }
        }
        sink.Complete(reason);
    }

    // An empty text opens no part. A stream may have an empty delta for a message that the message list omits, and both must give the same parts.
    private void AddText(JsonText id, TextKind kind, JsonText text, bool isWhole, IReplySink sink)
    {
        if (text.IsEmpty) return;
        if (kind == TextKind.Answer) _hasContent = true;
        var chars = ArrayPool<char>.Shared.Rent(text.MaxChars);
        try
        {
            var decoded = chars.AsSpan(0, text.Decode(chars));
            var part = _texts.GetOrOpenPart(id, kind, sink);
            if (isWhole) sink.Set(part, decoded);
            else sink.Append(part, decoded);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
        }
    }

    private string GetItemId(scoped in CozeMessage message)
    {
        if (!message.Id.IsEmpty) return message.Id.ToString();
        var type = message.Type.ToString();
        var number = _itemsWithoutId.GetValueOrDefault(type);
        _itemsWithoutId[type] = number + 1;
        return $"{type}-{number}";
    }

    // Every delta carries the ids. They are read only until all of them are known.
    private void ReadIds(scoped in CozeMessage message, IReplySink sink)
    {
        if (ids.NeedsFirstMessage) ids.Set(CozeIds.FirstMessage, message.Id.ToString());
        if (_isIdentified) return;
        ids.Set(CozeIds.Conversation, message.ConversationId.ToString());
        ids.Set(CozeIds.Chat, message.ChatId.ToString());
        ids.Set(CozeIds.Bot, message.BotId.ToString());
        ids.Report(sink);
        _isIdentified = ids[CozeIds.Chat] is not null && !ids.NeedsFirstMessage;
    }

    // Coze documents two sets of names. Missing numbers are calculated from the others.
    private static void ReportUsage(JsonElement usage, IReplySink sink)
    {
        var input = usage.GetNumber("input_count"u8) ?? usage.GetNumber("input_tokens"u8);
        var output = usage.GetNumber("output_count"u8) ?? usage.GetNumber("output_tokens"u8);
        var total = usage.GetNumber("token_count"u8) ?? usage.GetNumber("total_tokens"u8);
        if (input is null && output is null && total is null) return;
        total ??= (input ?? 0) + (output ?? 0);
        input ??= Math.Max(0, total.Value - (output ?? 0));
        sink.SetUsage(new Usage(input.Value, output ?? Math.Max(0, total.Value - input.Value), total.Value));
    }
}

/// <summary>Finds the text parts of a reply by Coze's message ids. Finding a known part allocates nothing.</summary>
internal sealed class CozeReplyTexts
{
    private const int None = -1;

    private readonly List<Message> _messages = [];
    private Message? _last;
    private Message? _withoutId;
    private int _withoutIdCount;

    /// <summary>Gets the ordinal of the part of a message and kind. Opens the part if it is new.</summary>
    public int GetOrOpenPart(JsonText id, TextKind kind, IReplySink sink)
    {
        var message = GetOrAdd(id);
        if (kind == TextKind.Answer)
        {
            if (message.Answer == None) message.Answer = sink.Open(message.Id, TextKind.Answer);
            return message.Answer;
        }
        if (message.Reasoning == None) message.Reasoning = sink.Open(message.Id, TextKind.Reasoning);
        return message.Reasoning;
    }

    /// <summary>Assigns the id of a completed message to the preceding deltas without an id, because they belong to it.</summary>
    public void AssignId(JsonText id)
    {
        if (id.IsEmpty || _withoutId is null || Find(id) is not null) return;
        _withoutId.Key = id.Raw.ToArray();
        _messages.Add(_withoutId);
        _withoutId = null;
    }

    /// <summary>Whether a message with this id was completed.</summary>
    public bool IsCompleted(JsonText id) => !id.IsEmpty && Find(id) is { IsCompleted: true };

    /// <summary>Closes the parts of a completed message. After a message without an id, the next one without an id is a new message.</summary>
    public void Complete(JsonText id, IReplySink sink)
    {
        if ((id.IsEmpty ? _withoutId : Find(id)) is not { } message) return;
        message.IsCompleted = true;
        if (message.Reasoning != None) sink.Close(message.Reasoning);
        if (message.Answer != None) sink.Close(message.Answer);
        if (id.IsEmpty) _withoutId = null;
    }

    private Message GetOrAdd(JsonText id)
    {
        if (id.IsEmpty) return _withoutId ??= new Message([], $"answer-{_withoutIdCount++}");
        if (Find(id) is { } known) return known;
        _last = new Message(id.Raw.ToArray(), id.ToString());
        _messages.Add(_last);
        return _last;
    }

    private Message? Find(JsonText id)
    {
        if (_last is not null && id.Is(_last.Key)) return _last;
        foreach (var message in _messages)
        {
            if (id.Is(message.Key)) return _last = message;
        }
        return null;
    }

    private sealed class Message(byte[] key, string id)
    {
        /// <summary>The id as it was received, for comparing without decoding.</summary>
        public byte[] Key { get; set; } = key;

        public string Id { get; } = id;

        public int Answer { get; set; } = None;

        public int Reasoning { get; set; } = None;

        public bool IsCompleted { get; set; }
    }
}
