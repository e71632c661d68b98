using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>
/// Renders a reply as JSON objects one after another, without anything between them. The last one, with <c>continue: false</c>, is there twice. A reply that
/// fails has no last object, and its response ends abnormally.
/// </summary>
internal sealed class RcaStream(ReplyAddresses addresses, RequestInfo info, TimeProvider time) : IReplyRenderer
{
    private readonly RcaText _text = new(addresses, time);

    public string ContentType => RcaJson.ContentType;

    public void RenderStart(SseWriter writer)
    {
        // The first object has text.
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        _text.Add(batch);
        if (_text.End is null)
        {
            if (_text.TakeDue(isIdle: false) is { } due) writer.WriteRaw(RcaJson.ForStream(due, isGrowing: true));
            return;
        }
        if (RcaText.FindFailure(_text.End) is { } error)
        {
            info.Error = error.Code;
            return;
        }
        var last = RcaJson.ForStream(_text.Current, isGrowing: false);
        writer.WriteRaw(last);
        writer.WriteRaw(last);
    }

    public TimeSpan? HeldBackFor => _text.HasNew ? RcaText.DueAfter : null;

    // A space between objects has no meaning, and keeps the connection open.
    public bool RenderHeldBack(SseWriter writer)
    {
        writer.WriteRaw(_text.TakeDue(isIdle: true) is { } due ? RcaJson.ForStream(due, isGrowing: true) : " "u8);
        return true;
    }
}

/// <summary>Errors as callbacks of Real-Coze-API receive them. Its servers had none: they crashed, or never answered.</summary>
internal sealed class RcaErrorShape : IErrorShape
{
    public int StatusOf(HttpContext context, Error error) => ErrorTable.Of(error.Code).Status;

    public void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error)
    {
        writer.WriteStartObject();
        RcaJson.WriteFailure(writer, error);
        writer.WriteEndObject();
    }
}
