using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary><c>POST /v1/chat/completions</c> of coze-discord-proxy.</summary>
internal sealed class CdpChat(GatewayOptions options, CdpTurns turns, ReplyStreamer streamer, TimeProvider time)
{
    public async Task Complete(HttpContext context)
    {
        var request = await CdpBody.Read(context, options.MaxBodyBytes, CdpBody.ReadChat);
        // Before the prompt is sent, so that a wrong header costs nothing.
        var timeout = request.Chat.Stream ? CdpOptions.ReadPause(context) : CdpOptions.ReadTotal(context);
        var (started, info) = await turns.Start(context, request.Chat, request.ChannelId);
        await using var turn = started;
        using var deadline = turns.Limit(turn.Reader, timeout);
        if (request.Chat.Stream)
        {
            var errorText = RequestInfo.KeyOf(context).ErrorText;
            await streamer.Run(context, turn.Reader, new CdpStream(info, ReplyAddresses.Of(context), deadline, request.Chat.PromptLength, errorText));
        }
        else if (await ReplyContent.ReadToEnd(turn.Reader, ReplyAddresses.Of(context), time, context.RequestAborted) is { } content)
        {
            await JsonBody.Write(context, (info, content), static (writer, reply) => CdpJson.WriteCompletion(writer, reply.info, reply.content));
        }
    }
}

/// <summary>Writes completions and chunks. Both have all members of the other: the text so far, and what is new.</summary>
internal static class CdpJson
{
    public static void WriteCompletion(Utf8JsonWriter writer, CompletionInfo info, ReplyContent content) =>
        Write(writer, info, "chat.completion"u8, content.BuildText() ?? "", "", content);

    /// <summary>Writes a chunk.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="info">The values that all chunks share.</param>
    /// <param name="whole">The text so far.</param>
    /// <param name="delta">The text that is new.</param>
    /// <param name="ended">The reply, for the last chunk: its usage and its suggestions. Null before that.</param>
    public static void WriteChunk(Utf8JsonWriter writer, CompletionInfo info, string whole, string delta, ReplyContent? ended = null) =>
        Write(writer, info, "chat.completion.chunk"u8, whole, delta, ended);

    private static void Write(Utf8JsonWriter writer, CompletionInfo info, ReadOnlySpan<byte> type, string whole, string delta, ReplyContent? ended)
    {
        var completed = ended?.End as ReplyCompleted;
        writer.WriteStartObject();
        writer.WriteString("id"u8, info.CompletionId);
        writer.WriteString("object"u8, type);
        writer.WriteNumber("created"u8, info.Created);
        writer.WriteString("model"u8, info.Model);
        writer.WriteStartArray("choices"u8);
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, 0);
        writer.WriteStartObject("message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WriteString("content"u8, whole);
        writer.WriteEndObject();
        writer.WriteNull("logprobs"u8);
        if (completed is null) writer.WriteNull("finish_reason"u8);
        else writer.WriteString("finish_reason"u8, CompletionJson.NameOf(completed.Reason));
        writer.WriteStartObject("delta"u8);
        writer.WriteString("content"u8, delta);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        WriteUsage(writer, completed?.Usage);
        writer.WriteNull("system_fingerprint"u8);
        WriteSuggestions(writer, ended);
        writer.WriteEndObject();
    }

    /// <summary>Writes the questions that the bot suggests; null if there are none.</summary>
    public static void WriteSuggestions(Utf8JsonWriter writer, ReplyContent? ended)
    {
        var suggestions = ended?.Items.OfType<FollowUpItem>().ToList() ?? [];
        if (suggestions.Count == 0)
        {
            writer.WriteNull("suggestions"u8);
            return;
        }
        writer.WriteStartArray("suggestions"u8);
        foreach (var suggestion in suggestions) writer.WriteStringValue(suggestion.Text);
        writer.WriteEndArray();
    }

    private static void WriteUsage(Utf8JsonWriter writer, Usage? usage)
    {
        writer.WriteStartObject("usage"u8);
        writer.WriteNumber("prompt_tokens"u8, usage?.InputTokens ?? 0);
        writer.WriteNumber("completion_tokens"u8, usage?.OutputTokens ?? 0);
        writer.WriteNumber("total_tokens"u8, usage?.TotalTokens ?? 0);
        writer.WriteEndObject();
    }
}
