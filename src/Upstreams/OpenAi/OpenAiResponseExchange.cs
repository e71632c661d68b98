using System.Runtime.CompilerServices;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>
/// An exchange whose reply is a response. Where the stream of a background response breaks, the response is read on from there, by a new stream if the server
/// offers one, and otherwise by asking for it until it has ended. To dispose the exchange of any other response closes the connection, so that the server
/// stops.
/// </summary>
internal sealed class OpenAiResponseExchange : IExchange
{
    private readonly UpstreamTurn _turn;
    private readonly OpenAiResponses _client;
    private readonly OpenAiResponseReply _reply;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    private EventStream? _stream;
    private SseRecordReader? _records;
    private ClusterException? _failure;
    private string? _break;
    private JsonElement? _whole;

    // The number of the last event that was read, and the position of the last gap that a new stream did not close.
    private long _last = -1;
    private long _gap = -1;

    // How often in a row reading has failed, and how often the response was read without a new event.
    private int _failures;
    private int _idleReads;
    private bool _hasStreams = true;
    private bool _readsWhole;
    private DateTimeOffset _notBefore;

    /// <summary>A response that was just created.</summary>
    public OpenAiResponseExchange(
        UpstreamTurn turn, EventStream stream, bool isBackground, OpenAiResponses client, TimeProvider time, ILogger logger)
        : this(turn, new OpenAiResponseReply(turn, stream.RequestId, isBackground), client, time, logger) => Use(stream);

    /// <summary>A background response that was created before. It is read from its beginning.</summary>
    public OpenAiResponseExchange(UpstreamTurn turn, string responseId, OpenAiResponses client, TimeProvider time, ILogger logger)
        : this(turn, OpenAiResponseReply.Resume(turn, responseId), client, time, logger)
    {
    }

    private OpenAiResponseExchange(UpstreamTurn turn, OpenAiResponseReply reply, OpenAiResponses client, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _reply = reply;
        _client = client;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_reply.HasEnded) return false;
            if (_break is { } message) OnBroken(message);
            if (_failure is not null) throw _failure;
            if (_records is null)
            {
                if (await Reconnect(cancellationToken).ConfigureAwait(false)) return true;
                continue;
            }
            try
            {
                if (await _records.WaitToRead(cancellationToken).ConfigureAwait(false)) return true;
                _break = "The model's server closed the stream before the reply was complete.";
            }
            catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException or ObjectDisposedException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _break = "The connection to the model's server broke during the reply.";
            }
        }
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        if (_whole is { } whole)
        {
            _whole = null;
            _reply.OnResponse(whole, status: null, sink);
        }
        while (!_reply.HasEnded && _failure is null && _break is null && _records is not null && _records.TryRead(out var record)) ReadRecord(record, sink);
        if (_reply.Failure is { } failure) _logger.ReplyFailed(_turn.TurnId, failure.Code, _stream?.RequestId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        if (_stream is { } stream && _reply is { HasEnded: true, Failure: null })
        {
            _records!.Dispose();
            stream.Close(hasReplyEnded: true, _time);
        }
        else
        {
            CloseStream();
        }
        return ValueTask.CompletedTask;
    }

    private void ReadRecord(scoped in SseRecord record, IReplySink sink)
    {
        try
        {
            var data = record.Data.Trim(" \r\n"u8);
            if (data.IsEmpty || data.SequenceEqual("[DONE]"u8)) return;
            var happened = OpenAiEvent.Read(data);
            if (!Accept(happened.Number)) return;
            var isKnown = record.Name.SequenceEqual("error"u8) && happened.Type.IsEmpty ? _reply.OnError(data, sink) : _reply.OnEvent(happened, data, sink);
            if (!isKnown) _break = "The model's server reported an error in the stream.";
        }
        catch (JsonException) when (record.IsUnterminated)
        {
            _break = "The connection to the model's server broke during the reply.";
        }
        catch (JsonException e)
        {
            _failure = new ClusterException(ErrorCode.UpstreamProtocol, "The model's server sent an event that is not valid JSON of its kind.", inner: e);
        }
    }

    /// <summary>
    /// Whether an event is the next one. Only the numbers of background responses count, because only their streams are read on; other servers number as they
    /// like.
    /// </summary>
    private bool Accept(long? number)
    {
        if (_reply.ResponseId is null && _last < 0)
        {
            // The event that brings the id has a number too.
            if (number is 0) _last = 0;
            return true;
        }
        if (_reply.ResponseId is null) return true;
        if (number is not { } given)
        {
            // The stream cannot be read on from here, and would repeat what was read.
            _hasStreams = false;
            return true;
        }
        if (given <= _last) return false;
        if (given > _last + 1 && _gap != _last)
        {
            // Events are missing. If a new stream does not bring them either, the text is corrected where the server repeats it.
            _gap = _last;
            _break = "Events of the stream are missing.";
            return false;
        }
        _last = given;
        (_failures, _idleReads, _readsWhole) = (0, 0, false);
        return true;
    }

    private void OnBroken(string message)
    {
        _break = null;
        _logger.StreamBroken(_turn.TurnId, _stream?.RequestId);
        CloseStream();
        if (_reply.ResponseId is not { } id)
        {
            _failure = new ClusterException(ErrorCode.UpstreamUnavailable, message);
            return;
        }
        _logger.ReadingOn(_turn.TurnId, _last, id);
        // A stream that brought nothing may be one of a response that has ended: the response itself tells.
        _readsWhole = _idleReads > 0;
        OnFailure(new ClusterException(ErrorCode.UpstreamUnavailable, message));
    }

    private void OnFailure(ClusterException failure)
    {
        if (++_failures > OpenAiLimits.MaxReadFailures) _failure = failure;
    }

    /// <summary>Opens a new stream, or reads the response as a whole.</summary>
    /// <returns>Whether there is something to read.</returns>
    private async ValueTask<bool> Reconnect(CancellationToken cancellationToken)
    {
        await WaitForNextRead(cancellationToken).ConfigureAwait(false);
        var id = _reply.ResponseId!;
        try
        {
            if (_hasStreams && !_readsWhole)
            {
                Use(await _client.OpenStream(_turn.Account, id, _last, cancellationToken).ConfigureAwait(false));
                return false;
            }
            _whole = await _client.Read(_turn.Account, id, cancellationToken).ConfigureAwait(false);
            // The response is alive. Only the timeouts of the bot limit how long it may take.
            (_failures, _readsWhole) = (0, false);
            return true;
        }
        catch (ClusterException e) when (_hasStreams && !_readsWhole && e.Code is ErrorCode.UpstreamInvalidRequest or ErrorCode.UpstreamProtocol)
        {
            _logger.ReadFailed(_turn.TurnId, id, e.Code);
            _hasStreams = false;
            return false;
        }
        catch (ClusterException e) when (OpenAiResponseReply.IsTransient(e.Code) || e.Code == ErrorCode.UpstreamProtocol)
        {
            _logger.ReadFailed(_turn.TurnId, id, e.Code);
            if (e.Until is { } until) _notBefore = until;
            OnFailure(e);
            return false;
        }
        catch (ClusterException e)
        {
            // Whatever the server refuses here, the client did not ask for it. The response may have been complete, so its prompt is not sent again.
            throw new ClusterException(
                ErrorCode.UpstreamOutcomeUnknown, $"The connection to the model's server was lost, and the reply could not be read again. {e.Message}",
                inner: e);
        }
    }

    // The first read after an event does not wait: most streams break for a reason that has passed already.
    private async ValueTask WaitForNextRead(CancellationToken cancellationToken)
    {
        var pause = _idleReads == 0 ? TimeSpan.Zero : OpenAiLimits.FirstReadPause * (1 << Math.Min(_idleReads - 1, 10));
        if (pause > OpenAiLimits.MaxReadPause) pause = OpenAiLimits.MaxReadPause;
        _idleReads++;
        var asked = _notBefore - _time.GetUtcNow();
        if (asked > pause) pause = asked < OpenAiLimits.MaxRetryAfter ? asked : OpenAiLimits.MaxRetryAfter;
        if (pause > TimeSpan.Zero) await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
    }

    private void Use(EventStream stream)
    {
        _stream = stream;
        _records = new SseRecordReader(stream.Body, stream.Prefix.Span, OpenAiLimits.MaxEvent);
    }

    private void CloseStream()
    {
        _records?.Dispose();
        _stream?.Response.Dispose();
        (_records, _stream) = (null, null);
    }
}
