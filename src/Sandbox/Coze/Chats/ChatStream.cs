using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>
/// The client's end of a streamed chat. The chat outlives it: when the client goes, sending turns into nothing and the request is
/// let go, while the chat is produced to its end.
/// </summary>
internal sealed class ChatStream(HttpContext http, SseForm form)
{
    // A reset throws away what the socket has not sent yet. This is about the network, not about the sandbox's clock.
    private static readonly TimeSpan CutGrace = TimeSpan.FromMilliseconds(30);

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PipeWriter _output = http.Response.BodyWriter;
    private ArrayBufferWriter<byte>? _whole;
    private bool _sending;
    private bool _gone;

    public SseForm Form => form;

    /// <summary>Completes when nothing will touch the response any more.</summary>
    public Task Released => _released.Task;

    /// <summary>True once the client cannot be reached.</summary>
    public bool Gone
    {
        get { lock (_gate) return _gone; }
    }

    /// <summary>True when it was a script that cut the connection.</summary>
    public bool WasCut { get; private set; }

    /// <summary>Sends an event; without <paramref name="flush"/> it goes out with the next one that flushes.</summary>
    public async ValueTask SendAsync<T>(string name, T data, JsonTypeInfo<T> type, bool flush)
    {
        if (!TryBegin()) return;
        try
        {
            form.Write(Target, name, data, type);
            if (flush) await FlushAsync();
        }
        finally
        {
            Finish();
        }
    }

    /// <summary>Sends one delta and flushes; false when the client is gone.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SendAsync(DeltaFrame frame, byte[] chunk)
    {
        if (!TryBegin()) return false;
        try
        {
            frame.Write(Target, chunk);
            await FlushAsync();
            return true;
        }
        finally
        {
            Finish();
        }
    }

    /// <summary>Sends the closing record.</summary>
    public async ValueTask SendDoneAsync()
    {
        if (!TryBegin()) return;
        try
        {
            form.WriteDone(Target);
            await FlushAsync();
        }
        finally
        {
            Finish();
        }
    }

    /// <summary>Resets the connection under the client, once what was sent has had time to leave.</summary>
    public async Task CutAsync()
    {
        WasCut = true;
        await Task.Delay(CutGrace, TimeProvider.System, CancellationToken.None);
        http.Abort();
        Leave();
    }

    /// <summary>The client is gone, or the chat has sent all: the request is let go once no send is under way.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _gone = true;
            if (!_sending) _released.TrySetResult();
        }
    }

    private IBufferWriter<byte> Target => form.Torn ? _whole ??= new ArrayBufferWriter<byte>() : _output;

    private async ValueTask FlushAsync()
    {
        if (form.Torn && _whole is { WrittenCount: > 1 } whole)
        {
            var middle = whole.WrittenCount / 2;
            await _output.WriteAsync(whole.WrittenMemory[..middle]);
            await Task.Yield();
            await _output.WriteAsync(whole.WrittenMemory[middle..]);
            whole.ResetWrittenCount();
            return;
        }
        await _output.FlushAsync();
    }

    private bool TryBegin()
    {
        lock (_gate)
        {
            if (_gone) return false;
            if (!http.Response.HasStarted && http.Response.ContentType is null)
            {
                http.Response.ContentType = "text/event-stream; charset=utf-8";
                http.Response.Headers.CacheControl = "no-cache";
            }
            return _sending = true;
        }
    }

    private void Finish()
    {
        lock (_gate)
        {
            _sending = false;
            if (_gone) _released.TrySetResult();
        }
    }
}
