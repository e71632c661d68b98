using System.Buffers;
using System.Text.Json;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// One reply on its way from Coze to a sink: from Coze's Message and Chat objects to parts, ids, usage and the end. The event stream and the message list both go
/// through here, so that a reply found again looks like the reply that was heard. Not thread-safe.
/// </summary>
/// <param name="ids">What is known of the chat from the start.</param>
internal sealed class CozeReply(CozeIds ids)
{
    private readonly CozeReplyTexts _texts = new();
    private readonly Dictionary<string, int> _namelessItems = [];
    private bool _answerCompleted;
    private bool _answersFinished;
    private bool _isIdentified;

    /// <summary>Whether the end has been told. What comes after it is nobody's business.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The error the reply ended with, if it did.</summary>
    public Error? Failure { get; private set; }

    /// <summary>The chat, once known.</summary>
    public string? ChatId => ids[CozeIds.Chat];

    /// <summary>For Coze's support.</summary>
    public string? LogId => ids[CozeIds.Log];

    /// <summary>More of a message.</summary>
    public void Delta(scoped in CozeMessage message, IReplySink sink)
    {
        if (!message.IsAnswer) return;
        Identify(message, sink);
        Text(message.Id, TextKind.Reasoning, message.Reasoning, whole: false, sink);
        if (message.IsText) Text(message.Id, TextKind.Answer, message.Content, whole: false, sink);
    }

    /// <summary>A message is complete; it holds its whole text, whether there were deltas or not.</summary>
    public void Completed(scoped in CozeMessage message, IReplySink sink)
    {
        if (message.Role.Is("user"u8)) return;
        Identify(message, sink);
        if (!message.IsAnswer)
        {
            if (CozeItems.IsAnswersFinished(message)) _answersFinished = true;
            else if (CozeItems.Of(message, ItemId(message)) is { } item) sink.Add(item);
            return;
        }
        _texts.Adopt(message.Id);
        Text(message.Id, TextKind.Reasoning, message.Reasoning, whole: true, sink);
        if (message.IsText) Text(message.Id, TextKind.Answer, message.Content, whole: true, sink);
        else if (message.ContentType.Is("object_string"u8)) CozeObjectString.Read(message, ItemId(message), _texts, sink);
        else if (message.ContentType.Is("card"u8)) sink.Add(new CardItem(ItemId(message), message.Content.ToString()));
        _texts.Complete(message.Id, sink);
        _answerCompleted = true;
    }

    /// <summary>The chat as it stands.</summary>
    /// <param name="chat">A Chat object, or a bare <c>{code,msg}</c> where a chat failed.</param>
    /// <param name="heard">Where the chat stands by the event's name; null to believe the object.</param>
    /// <param name="sink">Where it goes.</param>
    public void Chat(JsonElement chat, CozeChatStatus? heard, IReplySink sink)
    {
        ids.Learn(CozeIds.Conversation, chat.Text("conversation_id"u8));
        ids.Learn(CozeIds.Chat, chat.Text("id"u8) ?? chat.Text("chat_id"u8));
        ids.Learn(CozeIds.Bot, chat.Text("bot_id"u8));
        ids.Tell(sink);
        var told = CozeChatStatuses.Parse(chat.Text("status"u8));
        // An event that tells an end comes with an object that knows which, or has not caught up yet.
        var status = heard switch
        {
            null => told,
            CozeChatStatus.Running => CozeChatStatus.Running,
            _ => told == CozeChatStatus.Running ? heard.Value : told,
        };
        Count(chat.Member("usage"u8), sink);
        switch (status)
        {
            case CozeChatStatus.Completed:
                Complete(FinishReason.Stop, sink);
                break;
            case CozeChatStatus.RequiresAction:
                foreach (var call in CozeItems.ToolCalls(chat)) sink.Add(call);
                Complete(FinishReason.ToolCalls, sink);
                break;
            case CozeChatStatus.Failed:
                var error = chat.Member("last_error"u8);
                Fail(CozeErrors.ToError(CozeRefusal.Of(error.ValueKind == JsonValueKind.Object ? error : chat, LogId)), sink);
                break;
            case CozeChatStatus.Canceled:
                Fail(new Error(ErrorCode.Cancelled, "The chat was cancelled at Coze."), sink);
                break;
        }
    }

    /// <summary>Coze says that it has said everything.</summary>
    /// <returns>False if the chat's own end is missing, and cannot be taken for granted.</returns>
    public bool Done(IReplySink sink)
    {
        if (HasEnded) return true;
        // Either Coze told that all answers are finished, or there is nothing to ask about the chat by, and nothing known to be missing.
        if (!_answersFinished && !(_answerCompleted && ChatId is null)) return false;
        Complete(FinishReason.Stop, sink);
        return true;
    }

    /// <summary>The reply ends with an error.</summary>
    public void Fail(Error error, IReplySink sink)
    {
        if (HasEnded) return;
        HasEnded = true;
        Failure = error;
        sink.Fail(error);
    }

    private void Complete(FinishReason reason, IReplySink sink)
    {
        HasEnded = true;
        sink.Complete(reason);
    }

    // Empty texts open no part: the message list may leave out what a stream told with an empty delta, and the two have to agree on the parts.
    private void Text(JsonText id, TextKind kind, JsonText text, bool whole, IReplySink sink)
    {
        if (text.IsEmpty) return;
        var chars = ArrayPool<char>.Shared.Rent(text.MaxChars);
        try
        {
            var decoded = chars.AsSpan(0, text.Decode(chars));
            var part = _texts.Part(id, kind, sink);
            if (whole) sink.Set(part, decoded);
            else sink.Append(part, decoded);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
        }
    }

    private string ItemId(scoped in CozeMessage message)
    {
        if (!message.Id.IsEmpty) return message.Id.ToString();
        var type = message.Type.ToString();
        var number = _namelessItems.GetValueOrDefault(type);
        _namelessItems[type] = number + 1;
        return $"{type}-{number}";
    }

    // Every delta carries the ids; they are looked at until they are known.
    private void Identify(scoped in CozeMessage message, IReplySink sink)
    {
        if (ids.LacksFirstMessage) ids.Learn(CozeIds.FirstMessage, message.Id.ToString());
        if (_isIdentified) return;
        ids.Learn(CozeIds.Conversation, message.ConversationId.ToString());
        ids.Learn(CozeIds.Chat, message.ChatId.ToString());
        ids.Learn(CozeIds.Bot, message.BotId.ToString());
        ids.Tell(sink);
        _isIdentified = ids[CozeIds.Chat] is not null && !ids.LacksFirstMessage;
    }

    // Two sets of names are documented.
    private static void Count(JsonElement usage, IReplySink sink)
    {
        var input = usage.Number("input_count"u8) ?? usage.Number("input_tokens"u8);
        var output = usage.Number("output_count"u8) ?? usage.Number("output_tokens"u8);
        var total = usage.Number("token_count"u8) ?? usage.Number("total_tokens"u8);
        if (input is null && output is null && total is null) return;
        total ??= (input ?? 0) + (output ?? 0);
        input ??= Math.Max(0, total.Value - (output ?? 0));
        sink.SetUsage(new Usage(input.Value, output ?? Math.Max(0, total.Value - input.Value), total.Value));
    }
}
