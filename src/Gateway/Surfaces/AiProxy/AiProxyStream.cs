using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>What all chunks of a reply have in common.</summary>
/// <param name="Id">The id of the completion.</param>
/// <param name="Created">When it began, in Unix seconds.</param>
/// <param name="Model">The model.</param>
/// <param name="Provider">The name of the provider's object.</param>
/// <param name="Object">The provider's object, JSON: what the client sends again to continue; null: there is none.</param>
internal sealed record AiProxyChunk(string Id, long Created, string Model, string Provider, string? Object);

/// <summary>
/// Renders a reply as the older system did: each chunk has its piece of the text in <c>choices[0].message.content</c> and the provider's object, no chunk has
/// a reason or a number of tokens, and <c>[DONE]</c> ends a whole reply. Reasoning and other items are not part of this form.
/// </summary>
internal sealed class AiProxyStream(AiProxyChunk chunk, ReplyAddresses addresses, RequestInfo info) : IReplyRenderer
{
    private static readonly Error NeedsTools = new(
        ErrorCode.UpstreamInvalidRequest, "The bot asks its client to run tools, which this API cannot. Use /v1/chat/completions of a standard endpoint.");

    private readonly byte[] _head = Encoding.UTF8.GetBytes(
        $$"""{"id":{{Quote(chunk.Id)}},"choices":[{"index":0,"message":{"role":"assistant","content":" """.TrimEnd());

    private readonly byte[] _tail = Encoding.UTF8.GetBytes(
        "\"},\"logprobs\":null,\"finish_reason\":\"\"}],"
        + string.Create(CultureInfo.InvariantCulture, $"\"created\":{chunk.Created},\"model\":{Quote(chunk.Model)},")
        + "\"system_fingerprint\":\"\",\"object\":\"chat.completion.chunk\""
        + (chunk.Object is { } provider ? $",\"{chunk.Provider}\":{provider}}}" : "}"));

    private AnswerBreaks _breaks;
    private bool _hasText;

    /// <summary>A text as a JSON string.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JsonBody.WriterOptions.Encoder)}\"";

    public void RenderStart(SseWriter writer)
    {
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        for (var i = 0; i < batch.Events.Count; i++) Render(writer, batch.Events[i]);
    }

    private void Render(SseWriter writer, ReplyEvent replyEvent)
    {
        switch (replyEvent)
        {
            case ReplyText text:
                if (_breaks.Add(text)) Write(writer, "\n\n");
                Write(writer, text.Text.Span);
                break;
            case ReplyRewritten rewritten:
                if (_breaks.Add(rewritten)) Write(writer, "\n\n");
                break;
            case ReplyItemAdded { Item: ImageItem } added:
                var url = ((ImageItem)addresses.Complete(added.Item)).Url;
                Write(writer, $"{(_hasText ? "\n" : "")}{url}\n![Image]({url})");
                break;
            case ReplyCompleted { Reason: FinishReason.ToolCalls }:
                // So that the response ends abnormally.
                info.Error = NeedsTools.Code;
                writer.WriteJson(NeedsTools, AiProxyErrors.Write);
                break;
            case ReplyCompleted:
                writer.WriteData(null, "[DONE]"u8);
                break;
            case ReplyFailed failed:
                // The older system wrote [DONE] after an error, so that a reply that was cut looked whole.
                writer.WriteJson(failed.Error, AiProxyErrors.Write);
                break;
        }
    }

    private void Write(SseWriter writer, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return;
        writer.WriteText(null, _head, text, _tail);
        _hasText = true;
    }
}
