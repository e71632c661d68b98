using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>
/// An exchange with Gemini. Records are understood while waiting, because images are kept then; <see cref="Read"/> only writes into the reply log.
/// </summary>
internal sealed class GeminiExchange : IExchange
{
    private readonly UpstreamTurn _turn;
    private readonly ReplyRecords _records;
    private readonly GeminiReply _reply;
    private readonly IBlobStore _blobs;
    private readonly ILogger _logger;
    private readonly GeminiParts _parts = new();
    private readonly List<GeminiEvent> _events = [];

    public GeminiExchange(
        UpstreamTurn turn, EventStream stream, string? answerTool, GeminiCallIds ids, IBlobStore blobs, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _records = new ReplyRecords("Gemini", stream, () => logger.StreamBroken(turn.TurnId, _reply!.ResponseId), time, GeminiLimits.MaxRecord);
        _reply = new GeminiReply(turn, answerTool, ids, time);
        _blobs = blobs;
        _logger = logger;
    }

    /// <inheritdoc />
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        while (_events.Count == 0)
        {
            if (_reply.HasEnded) return false;
            await _records.WaitToRead(_reply.HasFinishReason, _reply.IsEndExpected, cancellationToken).ConfigureAwait(false);
            if (_records.HasEnded) _reply.OnStreamEnd(_events);
            while (!_reply.HasEnded && ReadRecord()) { }
            await KeepImages(cancellationToken).ConfigureAwait(false);
        }
        return true;
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        foreach (var happened in _events) _parts.Write(happened, sink);
        if (_events is [.., GeminiEvent.Failed { Error.Code: var code }]) _logger.ReplyFailed(_turn.TurnId, code, _reply.ResponseId);
        _events.Clear();
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Close(_reply.HasEnded);
        return ValueTask.CompletedTask;
    }

    // Returns whether there was a complete record.
    private bool ReadRecord()
    {
        if (!_records.TryRead(out var record)) return false;
        if (record.Data.IsEmpty) return true;
        if (record.Data.Trim(" \r\n"u8).SequenceEqual("[DONE]"u8))
        {
            // Google sends no such record, compatible servers do.
            if (_reply.HasFinishReason) _reply.OnStreamEnd(_events);
            else _records.Cut();
            return true;
        }
        try
        {
            _reply.OnRecord(record.Data, _events);
        }
        catch (JsonException e)
        {
            _records.OnInvalid(record.IsUnterminated, e);
        }
        return true;
    }

    private async ValueTask KeepImages(CancellationToken cancellationToken)
    {
        for (var i = 0; i < _events.Count; i++)
        {
            if (_events[i] is not GeminiEvent.Image image) continue;
            try
            {
                if (!image.Data.TryGetBytesFromBase64(out var content)) throw new IOException("The image is not base64.");
                var extension = MediaTypes.Detect(content)?.Extension ?? "bin";
                var url = await ReplyFiles.Keep(_blobs, _turn.TenantId, $"image.{extension}", content, cancellationToken).ConfigureAwait(false);
                _events[i] = new GeminiEvent.Kept(url);
            }
            catch (Exception e) when (e is IOException or ClusterException)
            {
                _logger.ImageNotKept(e, _turn.TurnId);
                _events.RemoveAt(i--);
            }
        }
    }
}

/// <summary>
/// Writes events into the parts of a reply log. All text is one answer, so that it stays exact; only an image ends an answer, because text and images take
/// turns. Thoughts that come after text has begun are a part of their own behind it.
/// </summary>
internal sealed class GeminiParts
{
    private const int None = -1;

    private int _answer = None;
    private int _reasoning = None;
    private int _answers;
    private int _images;
    private bool _isReasoningLate;

    /// <summary>Writes an event.</summary>
    public void Write(GeminiEvent happened, IReplySink sink)
    {
        switch (happened)
        {
            case GeminiEvent.Text { Kind: TextKind.Answer } text:
                if (_answer == None) _answer = sink.Open($"answer-{_answers++}", TextKind.Answer);
                sink.Append(_answer, text.Delta);
                break;
            case GeminiEvent.Text text:
                if (_reasoning == None || (_answers > 0 && !_isReasoningLate))
                {
                    _isReasoningLate = _answers > 0;
                    _reasoning = sink.Open(_isReasoningLate ? "late" : "answer-0", TextKind.Reasoning);
                }
                sink.Append(_reasoning, text.Delta);
                break;
            case GeminiEvent.Call call:
                sink.Add(call.Item);
                break;
            case GeminiEvent.Kept image:
                if (_answer != None) sink.Close(_answer);
                _answer = None;
                sink.Add(new ImageItem($"image-{_images++}", image.Url));
                break;
            case GeminiEvent.Counted counted:
                sink.SetUsage(counted.Usage);
                break;
            case GeminiEvent.Identified identified:
                sink.Identify(identified.Handle);
                break;
            case GeminiEvent.Ended ended:
                sink.Complete(ended.Reason);
                break;
            case GeminiEvent.Failed failed:
                sink.Fail(failed.Error);
                break;
        }
    }
}
