using System.Text.Json;
using CozeCluster.Upstreams.Json;
using CozeCluster.Upstreams.Sse;

namespace CozeCluster.Upstreams.Coze;

/// <summary>From the events of a Coze stream to a <see cref="CozeReply"/>. Events not known are passed over.</summary>
internal static class CozeEventReader
{
    /// <summary>Reads one event.</summary>
    /// <returns>False if the stream is of no use any more, although the reply has not ended.</returns>
    /// <exception cref="JsonException">The data is not what the event's name promises.</exception>
    public static bool Read(scoped in SseRecord record, CozeReply reply, IReplySink sink)
    {
        var name = record.Name.TrimEnd((byte)' ');
        if (name.SequenceEqual("conversation.message.delta"u8))
        {
            reply.Delta(Message(record.Data), sink);
            return true;
        }
        if (name.SequenceEqual("conversation.message.completed"u8))
        {
            reply.Completed(Message(record.Data), sink);
            return true;
        }
        if (name.StartsWith("conversation.chat."u8)) return Chat(name["conversation.chat.".Length..], record.Data, reply, sink);
        if (name.SequenceEqual("error"u8)) return Error(record.Data, reply, sink);
        if (name.SequenceEqual("done"u8)) return reply.Done(sink);
        return !name.IsEmpty || Nameless(record.Data, reply, sink);
    }

    private static CozeMessage Message(ReadOnlySpan<byte> data) =>
        CozeMessage.TryRead(data, out var message) ? message : throw new JsonException("a message has to be an object");

    private static bool Chat(ReadOnlySpan<byte> what, ReadOnlySpan<byte> data, CozeReply reply, IReplySink sink)
    {
        CozeChatStatus status;
        if (what.SequenceEqual("created"u8) || what.SequenceEqual("in_progress"u8)) status = CozeChatStatus.Running;
        else if (what.SequenceEqual("completed"u8)) status = CozeChatStatus.Completed;
        else if (what.SequenceEqual("requires_action"u8)) status = CozeChatStatus.RequiresAction;
        else if (what.SequenceEqual("failed"u8)) status = CozeChatStatus.Failed;
        else if (what.SequenceEqual("canceled"u8) || what.SequenceEqual("cancelled"u8)) status = CozeChatStatus.Canceled;
        else return true;

        if (LenientJson.TryParse(data) is not { } chat) throw new JsonException("a chat has to be an object");
        reply.Chat(chat, status, sink);
        return true;
    }

    private static bool Error(ReadOnlySpan<byte> data, CozeReply reply, IReplySink sink)
    {
        var json = LenientJson.TryParse(data) ?? default;
        var refusal = json.ValueKind == JsonValueKind.Object ? CozeRefusal.Of(json, reply.LogId) : new CozeRefusal(null, json.Text(), LogId: reply.LogId);
        // Long chats end with an error that says nothing, and go on at the server (coze-js issue 333): that is a broken stream, not a failed chat.
        if (!refusal.IsError && string.IsNullOrWhiteSpace(refusal.Message)) return false;
        reply.Fail(CozeErrors.ToError(refusal), sink);
        return true;
    }

    // Some servers leave the name out, or answer a refusal where a stream was promised.
    private static bool Nameless(ReadOnlySpan<byte> data, CozeReply reply, IReplySink sink)
    {
        var text = data.Trim(" \""u8);
        if (text.SequenceEqual("[DONE]"u8)) return reply.Done(sink);
        if (LenientJson.TryParse(data) is { ValueKind: JsonValueKind.Object } json && CozeRefusal.Of(json, reply.LogId) is { IsError: true } refusal)
            reply.Fail(CozeErrors.ToError(refusal), sink);
        return true;
    }
}
