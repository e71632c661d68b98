using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CozeCluster.Load;

/// <summary>One connection: sends a request, reads the reply to its end, and repeats this.</summary>
internal sealed class StreamClient : IDisposable
{
    private static readonly TimeSpan PauseAfterError = TimeSpan.FromMilliseconds(100);

    private readonly LoadOptions _options;
    private readonly byte[] _request;
    private readonly Measurements _measurements;
    private readonly ReplyScanner _scanner;
    private readonly ResponseReader _reader;
    private readonly byte[] _buffer = new byte[4096];
    private readonly long[]? _arrivals;
    private Socket? _socket;
    private volatile bool _stopped;
    private long _text;
    private long _events;
    private long _replies;

    public StreamClient(LoadOptions options, byte[] request, Measurements measurements)
    {
        _options = options;
        _request = request;
        _measurements = measurements;
        _scanner = new ReplyScanner(options.IsCoze);
        _reader = new ResponseReader(_scanner);
        if (options.Pace > TimeSpan.Zero) _arrivals = new long[options.Chunks];
    }

    /// <summary>The number of characters, events and whole replies since the start.</summary>
    public (long Text, long Events, long Replies) Progress => (Volatile.Read(ref _text), Volatile.Read(ref _events), Volatile.Read(ref _replies));

    /// <summary>Runs until disposed; never throws.</summary>
    public async Task RunAsync(TimeSpan delay)
    {
        await Task.Delay(delay, TimeProvider.System);
        while (!_stopped)
        {
            try
            {
                using var socket = _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(_options.Url.Host), _options.Url.Port));
                while (!_stopped) await ReadReplyAsync(socket);
            }
            catch (Exception) when (_stopped)
            {
                return;
            }
            catch (Exception fault) when (fault is SocketException or InvalidDataException)
            {
                _measurements.AddError(fault.Message);
                await Task.Delay(PauseAfterError, TimeProvider.System);
            }
        }
    }

    /// <summary>Stops and closes the connection.</summary>
    public void Dispose()
    {
        _stopped = true;
        _socket?.Dispose();
    }

    private async Task ReadReplyAsync(Socket socket)
    {
        _scanner.Reset();
        _reader.Reset();
        var start = Stopwatch.GetTimestamp();
        await socket.SendAsync(_request, SocketFlags.None);
        while (!_reader.IsDone)
        {
            var length = await socket.ReceiveAsync(_buffer.AsMemory(), SocketFlags.None);
            if (length == 0) throw new InvalidDataException("the connection was closed in the middle of a reply");
            Read(_buffer.AsSpan(0, length), start);
        }
        if (_reader.Status != 200) throw new InvalidDataException($"HTTP {_reader.Status}");
        if (_scanner.End == ReplyEnd.Failed) throw new InvalidDataException("the reply failed");
        if (_scanner.End != ReplyEnd.Done) throw new InvalidDataException("the reply has no end");
        if (_scanner.Text != _options.Chunks * _options.ChunkSize) throw new InvalidDataException($"the reply has {_scanner.Text} characters");
        if (_arrivals is not null) _measurements.AddLags(_arrivals, _options.Pace);
        Volatile.Write(ref _replies, _replies + 1);
    }

    private void Read(ReadOnlySpan<byte> input, long start)
    {
        var (text, events) = (_scanner.Text, _scanner.Events);
        _reader.Read(input);
        if (_scanner.Events == events) return;
        var now = Stopwatch.GetTimestamp();
        if (events == 0) _measurements.AddFirstText(Stopwatch.GetElapsedTime(start, now));
        if (_arrivals is not null)
        {
            // Several deltas can have arrived together.
            var (first, end) = (text / _options.ChunkSize, _scanner.Text / _options.ChunkSize);
            for (var i = first; i < end && i < _arrivals.Length; i++) _arrivals[i] = now;
        }
        Volatile.Write(ref _text, _text + _scanner.Text - text);
        Volatile.Write(ref _events, _events + _scanner.Events - events);
    }
}
