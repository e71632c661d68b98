using System.Runtime.CompilerServices;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Shared.Sse;

/// <summary>
/// The records of a reply that an upstream sends as an event stream. Whatever ends them before the reply becomes the failure that <see cref="WaitToRead"/>
/// throws: a connection that broke, a stream that was cut, a record that is not valid.
/// </summary>
internal sealed class ReplyRecords
{
    /// <summary>How long a server may be silent after the end of a reply before the connection is closed.</summary>
    public static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(3);

    private readonly string _server;
    private readonly EventStream _stream;
    private readonly Action _onBroken;
    private readonly SseRecordReader _records;
    private readonly TimeProvider _time;
    private CancellationTokenSource? _end;
    private ClusterException? _failure;

    /// <param name="server">What error messages call the server, as inside a sentence.</param>
    /// <param name="stream">The stream. <see cref="Close"/> disposes it.</param>
    /// <param name="onBroken">Called when the stream ends before the reply.</param>
    /// <param name="time">The clock.</param>
    /// <param name="maxRecord">The largest accepted record, in bytes.</param>
    public ReplyRecords(string server, EventStream stream, Action onBroken, TimeProvider time, int maxRecord = SseRecordReader.MaxRecord)
    {
        _server = server;
        _stream = stream;
        _onBroken = onBroken;
        _time = time;
        _records = new SseRecordReader(stream.Body, stream.Prefix.Span, maxRecord);
    }

    /// <summary>Whether the stream has ended where the reply may end.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Waits for a record, or for the end of the stream.</summary>
    /// <param name="mayEnd">Whether the reply is complete if the stream ends here.</param>
    /// <param name="isEndExpected">
    /// Whether only the end can follow. Some servers leave the connection open then, so the stream counts as ended after <see cref="EndTimeout"/> in all.
    /// </param>
    /// <param name="cancellationToken">Cancels waiting.</param>
    /// <returns>True: there is a record, or the stream has ended where it may.</returns>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamUnavailable"/>: the stream ended before the reply. <see cref="ErrorCode.UpstreamProtocol"/>: a record is not valid.
    /// </exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WaitToRead(bool mayEnd, bool isEndExpected, CancellationToken cancellationToken)
    {
        if (_failure is not null) throw _failure;
        try
        {
            if (await (isEndExpected ? WaitForEnd(cancellationToken) : _records.WaitToRead(cancellationToken)).ConfigureAwait(false)) return true;
            if (!mayEnd) Cut();
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!mayEnd) Break(e);
        }
        if (_failure is not null) throw _failure;
        return HasEnded = true;
    }

    /// <summary>Reads the next record that has arrived.</summary>
    /// <returns>False if there is none, or if the records have ended.</returns>
    public bool TryRead(out SseRecord record)
    {
        if (_failure is null && !HasEnded) return _records.TryRead(out record);
        record = default;
        return false;
    }

    /// <summary>Ends the records with a failure.</summary>
    public void Fail(ClusterException failure) => _failure = failure;

    /// <summary>Ends the records after one that is not valid JSON of its kind. If it is not terminated, the connection broke within it.</summary>
    public void OnInvalid(bool isUnterminated, JsonException exception)
    {
        if (isUnterminated) Break();
        else Fail(new ClusterException(ErrorCode.UpstreamProtocol, $"{Capitalized()} sent an event that is not valid JSON of its kind.", inner: exception));
    }

    /// <summary>Ends the records because the server has closed the stream before the reply was complete.</summary>
    /// <param name="message">What the server did; null: just that.</param>
    public void Cut(string? message = null) => EndEarly(message ?? $"{Capitalized()} closed the stream before the reply was complete.");

    /// <summary>Closes the connection. If the reply has ended, its few last bytes are read first, so that the connection can be used again.</summary>
    public void Close(bool hasReplyEnded)
    {
        _records.Dispose();
        _end?.Dispose();
        _stream.Close(hasReplyEnded, _time);
    }

    private async ValueTask<bool> WaitForEnd(CancellationToken cancellationToken)
    {
        _end ??= new CancellationTokenSource(EndTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, cancellationToken);
        try
        {
            return await _records.WaitToRead(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Break(Exception? exception = null) => EndEarly($"The connection to {_server} broke during the reply.", exception);

    private void EndEarly(string message, Exception? exception = null)
    {
        _onBroken();
        Fail(new ClusterException(ErrorCode.UpstreamUnavailable, message, inner: exception));
    }

    private string Capitalized() => char.ToUpperInvariant(_server[0]) + _server[1..];
}
