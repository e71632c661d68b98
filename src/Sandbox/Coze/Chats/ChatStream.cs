using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Sandbox.Coze;

/// <summary>
/// The response stream of one client. The chat outlives it: once it is closed, sending has no effect and the request ends, while the
/// chat is produced to its end.
/// </summary>
internal sealed class ChatStream(HttpContext http, SseWriter writer)
{
    // An abort discards bytes that the socket has not sent yet. This delay is about the network, so it uses the system clock.
    private static readonly TimeSpan AbortDelay = TimeSpan.FromMilliseconds(30);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PipeWriter _output = http.Response.BodyWriter;
    private ArrayBufferWriter<byte>? _tornBuffer;
    private bool _isSending;
    private bool _isClosed;

    /// <summary>Writes the records in the form that the script wants.</summary>
    public SseWriter Writer => writer;

    /// <summary>Completes when nothing will write to the response any more.</summary>
    public Task Completion => _completion.Task;

    /// <summary>True when the client cannot receive anything any more.</summary>
    public bool IsClosed
    {
        get { lock (_gate) return _isClosed; }
    }

    /// <summary>True when the script has aborted the connection.</summary>
    public bool WasAborted { get; private set; }

    /// <summary>Writes an event. Without <paramref name="flush"/> it is sent with the next event that flushes.</summary>
    public async ValueTask SendAsync<T>(string name, T data, JsonTypeInfo<T> type, bool flush)
    {
        if (!TryBeginSend()) return;
        try
        {
            writer.Write(Buffer, name, data, type);
            if (flush) await FlushAsync();
        }
        finally
        {
            EndSend();
        }
    }

    /// <summary>Sends one delta. False: the stream is closed.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SendAsync(DeltaTemplate template, byte[] chunk)
    {
        if (!TryBeginSend()) return false;
        try
        {
            template.Write(Buffer, chunk);
            await FlushAsync();
            return true;
        }
        finally
        {
            EndSend();
        }
    }

    /// <summary>Sends the closing record.</summary>
    public async ValueTask SendDoneAsync()
    {
        if (!TryBeginSend()) return;
        try
        {
            writer.WriteDone(Buffer);
            await FlushAsync();
        }
        finally
        {
            EndSend();
        }
    }

    /// <summary>Aborts the connection, after a short delay in which the socket sends what is already written.</summary>
    public async Task AbortAsync()
    {
        WasAborted = true;
        await Task.Delay(AbortDelay, TimeProvider.System, CancellationToken.None);
        http.Abort();
        Close();
    }

    /// <summary>Closes the stream. The request ends as soon as no send is in progress.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            if (!_isSending) _completion.TrySetResult();
        }
    }

    private IBufferWriter<byte> Buffer => writer.IsTorn ? _tornBuffer ??= new ArrayBufferWriter<byte>() : _output;

    private async ValueTask FlushAsync()
    {
        if (writer.IsTorn && _tornBuffer is { WrittenCount: > 1 } buffer)
        {
            var middle = buffer.WrittenCount / 2;
            await _output.WriteAsync(buffer.WrittenMemory[..middle]);
            await Task.Yield();
            await _output.WriteAsync(buffer.WrittenMemory[middle..]);
            buffer.ResetWrittenCount();
            return;
        }
        await _output.FlushAsync();
    }

    private bool TryBeginSend()
    {
        lock (_gate)
        {
            if (_isClosed) return false;
            if (!http.Response.HasStarted && http.Response.ContentType is null)
            {
                http.Response.ContentType = "text/event-stream; charset=utf-8";
                http.Response.Headers.CacheControl = "no-cache";
            }
            return _isSending = true;
        }
    }

    private void EndSend()
    {
        lock (_gate)
        {
            _isSending = false;
            if (_isClosed) _completion.TrySetResult();
        }
    }
}
