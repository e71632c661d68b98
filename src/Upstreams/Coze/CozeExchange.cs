using System.Runtime.CompilerServices;
using System.Text.Json;
using CozeCluster.Upstreams.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>A reply that Coze streams.</summary>
internal sealed class CozeExchange : IExchange
{
    private const int MaxDrainReads = 16;
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    private readonly UpstreamTurn _turn;
    private readonly CozeStream _stream;
    private readonly SseRecordReader _records;
    private readonly CozeReply _reply;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private ClusterException? _broken;

    public CozeExchange(UpstreamTurn turn, CozeStream stream, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _stream = stream;
        _records = new SseRecordReader(stream.Body, stream.Prefix);
        _reply = new CozeReply(new CozeIds(turn, stream.LogId));
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_reply.HasEnded) return false;
        if (_broken is not null) throw _broken;
        try
        {
            if (await _records.WaitToRead(cancellationToken).ConfigureAwait(false)) return true;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Break("The connection to Coze broke within the reply.", e);
        }
        if (_broken is null) Break("Coze ended the stream before the reply.");
        throw _broken!;
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        while (!_reply.HasEnded && _broken is null && _records.TryRead(out var record))
        {
            try
            {
                if (!CozeEventReader.Read(record, _reply, sink)) Break("Coze ended the stream before the reply.");
            }
            catch (JsonException) when (record.IsLoose)
            {
                Break("The connection to Coze broke within the reply.");
            }
            catch (JsonException e)
            {
                _broken = new ClusterException(ErrorCode.UpstreamProtocol, "Coze sent an event that is not well-formed.", inner: e);
            }
        }
        if (_reply.Failure is { } failure) _logger.Failed(_turn.TurnId, failure.Code, _reply.ChatId, _reply.LogId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Dispose();
        if (_reply.HasEnded) _ = Drain();
        else _stream.Response.Dispose();
        return ValueTask.CompletedTask;
    }

    // A reply that has ended is followed by a few bytes of farewell; a connection read to its end is used again.
    private async Task Drain()
    {
        try
        {
            using var response = _stream.Response;
            using var timeout = new CancellationTokenSource(DrainTimeout, _time);
            var farewell = new byte[4096];
            for (var reads = 0; reads < MaxDrainReads && await _stream.Body.ReadAsync(farewell, timeout.Token).ConfigureAwait(false) > 0; reads++)
            {
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            // Then it is not used again.
        }
    }

    private void Break(string message, Exception? inner = null)
    {
        _logger.Broke(_turn.TurnId, _reply.ChatId, _reply.LogId);
        _broken = new ClusterException(ErrorCode.UpstreamUnavailable, message, inner: inner);
    }
}
