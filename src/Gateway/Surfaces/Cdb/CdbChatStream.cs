using System.Text.Json;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Images;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>A reply as the Bridge divided it.</summary>
/// <param name="Text">The bot's own text.</param>
/// <param name="Files">The URLs of pictures: those outside of the text, and those in it.</param>
internal sealed record CdbReply(string Text, IReadOnlyList<string> Files)
{
    public static CdbReply Of(ReplyContent content)
    {
        var text = content.BuildText(withImages: false) ?? "";
        return new CdbReply(text, [.. content.Items.OfType<ImageItem>().Select(image => image.Url).Concat(ImageFinder.Find(text).Urls).Distinct()]);
    }
}

/// <summary>
/// Renders a reply as <c>/api/ChatStream</c> did: each event has the whole text so far and what is new in it, at most twice a second. Long texts have fewer
/// events, so that the response grows with the text and not with its square.
/// </summary>
internal sealed class CdbChatStream(HttpContext context, ReplyAddresses addresses, string end, TimeProvider time) : IReplyRenderer
{
    private const int CharsPerInterval = 32_000;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly ReplyContent _content = new(addresses);
    private string _sent = "";
    private long? _sentAt;
    private bool _isHeldBack;

    public TimeSpan? HeldBackFor => _isHeldBack ? Max(TimeSpan.Zero, Pause - time.GetElapsedTime(_sentAt!.Value)) : null;

    private TimeSpan Pause => Interval * (1 + (double)_sent.Length / CharsPerInterval);

    public void RenderStart(SseWriter writer)
    {
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        _content.Add(batch);
        if (!batch.IsLast && _sentAt is { } sentAt && time.GetElapsedTime(sentAt) < Pause)
        {
            _isHeldBack = true;
            return;
        }
        WriteNew(writer);
        if (_content.End is ReplyFailed failed) writer.WriteJson(failed.Error, (json, error) => new CdbErrors().WriteBody(context, json, error));
        else if (batch.IsLast) writer.WriteJson(CdbReply.Of(_content), WriteEnd);
    }

    public bool RenderHeldBack(SseWriter writer)
    {
        if (!_isHeldBack) return false;
        return WriteNew(writer);
    }

    /// <returns>Whether anything was new.</returns>
    private bool WriteNew(SseWriter writer)
    {
        _isHeldBack = false;
        var all = _content.BuildText(withImages: false) ?? "";
        if (all == _sent) return false;
        // Of a text that the bot has rewritten, everything is new.
        var added = all.StartsWith(_sent, StringComparison.Ordinal) ? all[_sent.Length..] : all;
        (_sent, _sentAt) = (all, time.GetTimestamp());
        var files = _content.Items.OfType<ImageItem>().Select(image => image.Url).Distinct();
        writer.WriteJson((All: all, Added: added, Files: files), static (json, reply) => CdbJson.Write(json, "生成中..", data =>
        {
            data.WriteStartObject();
            data.WriteString("prompt_all"u8, reply.All);
            data.WriteString("prompt_new"u8, reply.Added);
            CdbJson.WriteFiles(data, reply.Files);
            data.WriteBoolean("done"u8, false);
            data.WriteEndObject();
        }));
        return true;
    }

    private void WriteEnd(Utf8JsonWriter json, CdbReply reply) => CdbJson.Write(json, CdbJson.Success, data =>
    {
        data.WriteStartObject();
        if (end != CdbOptions.EndDone) data.WriteString("prompt"u8, reply.Text);
        if (end != CdbOptions.EndPrompt)
        {
            data.WriteString("prompt_all"u8, reply.Text);
            data.WriteString("prompt_new"u8, "");
        }
        CdbJson.WriteFiles(data, reply.Files);
        if (end != CdbOptions.EndPrompt) data.WriteBoolean("done"u8, true);
        data.WriteEndObject();
    });

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
