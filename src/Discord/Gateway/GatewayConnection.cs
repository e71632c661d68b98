using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>How a connection ended.</summary>
/// <param name="Then">What to do next.</param>
/// <param name="Fault">For those who act on it.</param>
/// <param name="Reason">For people.</param>
internal sealed record ConnectionEnd(AfterClose Then, GatewayFault Fault, string Reason)
{
    /// <summary>How long events flowed; null: never.</summary>
    public TimeSpan? ReadyFor { get; init; }

    /// <summary>Whether it took an identify, of which there are only so many a day.</summary>
    public bool DidIdentify { get; init; }

    /// <summary>The least pause before the next connection.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>From a close code; see <see cref="GatewayCloseCodes"/>.</summary>
    public static ConnectionEnd Of(int? code)
    {
        var (then, fault, reason) = GatewayCloseCodes.Of(code);
        return new ConnectionEnd(then, fault, reason);
    }

    /// <summary>The connection is of no use any more; the session is.</summary>
    public static ConnectionEnd Resume(string reason) => new(AfterClose.Resume, GatewayFault.None, reason);
}

/// <summary>One socket, from hello to its end: identifies or resumes, beats, and gives events to its owner.</summary>
internal sealed class GatewayConnection(
    GatewaySocket socket, DiscordGatewayOptions options, GatewaySession session, IGatewayOwner owner, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan LeastAfterInvalid = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostAfterInvalid = TimeSpan.FromSeconds(5);

    // A gateway that answers heartbeats and nothing else for so long will not begin a session any more.
    private const int MostBeatsUnready = 3;

    private readonly List<GatewayEvent> _events = [];
    private volatile bool _isAcknowledged = true;
    private volatile bool _isReading;
    private volatile bool _isReady;
    private volatile string? _leftFor;
    private DateTimeOffset? _readySince;
    private bool _didIdentify;
    private bool _mustBeat;

    /// <summary>Runs until the socket ends. The socket is not disposed of.</summary>
    public async Task<ConnectionEnd> Run(CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Cancelling a receive would cut the socket without a word.
        await using var stop = cancellationToken.UnsafeRegister(static connection => _ = ((GatewayConnection)connection!).Stop(), this).ConfigureAwait(false);
        var beating = Task.CompletedTask;
        try
        {
            var interval = await Hello(cancellationToken).ConfigureAwait(false);
            beating = Beat(interval, ends.Token);
            await Greet(cancellationToken).ConfigureAwait(false);
            return Told(await Read(cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or InvalidDataException or JsonException or ObjectDisposedException)
        {
            // A socket that is aborted while it receives throws that it was cancelled.
            cancellationToken.ThrowIfCancellationRequested();
            if (_leftFor is { } reason) return Told(ConnectionEnd.Resume(reason));
            if (e is not (InvalidDataException or JsonException)) return Told(ConnectionEnd.Of(socket.CloseCode));
            await socket.Close(GatewayCloseCodes.ToResume).ConfigureAwait(false);
            return Told(ConnectionEnd.Resume("Discord sent what its protocol does not have."));
        }
        finally
        {
            await ends.CancelAsync().ConfigureAwait(false);
            await beating.ConfigureAwait(false);
        }
    }

    private async Task Stop()
    {
        // 1000 ends the session: the bot is shown offline at once, and nothing is kept for it.
        await socket.Close((int)WebSocketCloseStatus.NormalClosure).ConfigureAwait(false);
        socket.Abort();
    }

    private ConnectionEnd Told(ConnectionEnd end) => end with { ReadyFor = time.GetUtcNow() - _readySince, DidIdentify = _didIdentify };

    private async Task<TimeSpan> Hello(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var payload = await socket.Receive(ends.Token).ConfigureAwait(false)
                ?? throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
            return IntervalOf(payload.Span);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
        }
    }

    private static TimeSpan IntervalOf(ReadOnlySpan<byte> json)
    {
        var payload = GatewayPayload.Read(json);
        if (payload.Op != GatewayOp.Hello) throw new JsonException($"The gateway began with op {(int)payload.Op}.");
        var hello = JsonSerializer.Deserialize(payload.Data, DiscordJson.Default.HelloData);
        return hello is { HeartbeatInterval: > 0 } ? TimeSpan.FromMilliseconds(hello.HeartbeatInterval) : throw new JsonException("The gateway names no heartbeat interval.");
    }

    private async Task Greet(CancellationToken cancellationToken)
    {
        if (session.Id is { } id)
        {
            await socket.Send(GatewayCommands.Resume(options.Token, id, session.Sequence ?? 0), isHeartbeat: false, cancellationToken).ConfigureAwait(false);
            return;
        }
        await owner.WaitForTurn(cancellationToken).ConfigureAwait(false);
        _didIdentify = true;
        await socket.Send(GatewayCommands.Identify(options), isHeartbeat: false, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ConnectionEnd> Read(CancellationToken cancellationToken)
    {
        while (true)
        {
            _isReading = true;
            var payload = await socket.Receive(CancellationToken.None).ConfigureAwait(false);
            _isReading = false;
            if (payload is null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return ConnectionEnd.Of(socket.CloseCode);
            }
            var end = Take(payload.Value.Span);
            // A gateway that asks without end gets no answer rather than more than it takes.
            if (_mustBeat && socket.HasRoom) await SendBeat(isHeartbeat: false, cancellationToken).ConfigureAwait(false);
            _mustBeat = false;
            foreach (var e in _events) await owner.Give(e, cancellationToken).ConfigureAwait(false);
            _events.Clear();
            if (end is null) continue;
            await socket.Close(GatewayCloseCodes.ToResume).ConfigureAwait(false);
            return end;
        }
    }

    /// <summary>Takes in a payload: what it tells goes to <see cref="_events"/>; not null if the connection is over.</summary>
    private ConnectionEnd? Take(ReadOnlySpan<byte> json)
    {
        var payload = GatewayPayload.Read(json);
        switch (payload.Op)
        {
            case GatewayOp.Dispatch:
                if (payload.Sequence is { } number) session.Sequence = number;
                Dispatch(payload.Type, payload.Data);
                break;
            case GatewayOp.HeartbeatAck:
                _isAcknowledged = true;
                break;
            case GatewayOp.Heartbeat:
                _mustBeat = true;
                break;
            case GatewayOp.Reconnect:
                return ConnectionEnd.Resume("Discord asks to reconnect.");
            case GatewayOp.InvalidSession:
                var isResumable = payload.Data.SequenceEqual("true"u8) && session.Id is not null;
                return new ConnectionEnd(isResumable ? AfterClose.Resume : AfterClose.Identify, GatewayFault.None, "Discord calls the session invalid.")
                {
                    Pause = LeastAfterInvalid + (MostAfterInvalid - LeastAfterInvalid) * Random.Shared.NextDouble(),
                };
        }
        if (_readySince is not null) session.LastHeard = time.GetUtcNow();
        return null;
    }

    private void Dispatch(DispatchType type, ReadOnlySpan<byte> data)
    {
        if (type == DispatchType.Ready)
        {
            var (ready, id, resumeUrl) = GatewayDispatch.ReadReady(data);
            session.Begin(id, resumeUrl);
            BecomeReady();
            _events.Add(ready);
            if (session.LostSince is { } since)
            {
                session.LostSince = null;
                logger.EventsMissed(options.Name, options.Shard, since);
                _events.Add(new GatewayEventsMissed(since));
            }
            return;
        }
        if (type == DispatchType.Resumed)
        {
            BecomeReady();
            return;
        }
        try
        {
            if (GatewayDispatch.Read(type, data) is { } e) _events.Add(e);
        }
        catch (JsonException e)
        {
            // One event that cannot be read is no reason to lose the others.
            logger.Unreadable(e, options.Name, type.ToString());
            _events.Add(new GatewayEventsMissed(session.LastHeard - GatewaySession.Margin));
        }
    }

    private void BecomeReady()
    {
        _readySince = time.GetUtcNow();
        _isReady = true;
        _events.Add(new GatewayStateChanged(owner.BecomeReady()));
    }

    /// <summary>Beats until the connection ends; cuts it when a beat is not acknowledged before the next, or when beats are all there is.</summary>
    private async Task Beat(TimeSpan interval, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(interval * Random.Shared.NextDouble(), time, cancellationToken).ConfigureAwait(false);
            for (var unready = 0; ;)
            {
                _isAcknowledged = false;
                var sending = SendBeat(isHeartbeat: true, cancellationToken).AsTask();
                await Task.Delay(interval, time, cancellationToken).ConfigureAwait(false);
                // While the owner takes its time with events, acknowledgements wait with them.
                var isAlive = sending.IsCompleted && (_isAcknowledged || !_isReading);
                if (isAlive)
                {
                    await sending.ConfigureAwait(false);
                    if (_isReady || !_isReading || ++unready < MostBeatsUnready) continue;
                }
                _leftFor = isAlive ? "Discord begins no session." : "Discord did not acknowledge a heartbeat.";
                await socket.Close(GatewayCloseCodes.ToResume).ConfigureAwait(false);
                socket.Abort();
                return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The reader sees it too.
        }
    }

    private ValueTask SendBeat(bool isHeartbeat, CancellationToken cancellationToken) =>
        socket.Send(GatewayCommands.Heartbeat(session.Sequence), isHeartbeat, cancellationToken);
}

/// <summary>Who a <see cref="GatewayConnection"/> works for.</summary>
internal interface IGatewayOwner
{
    /// <summary>Waits until this shard may identify.</summary>
    ValueTask WaitForTurn(CancellationToken cancellationToken);

    /// <summary>Events flow.</summary>
    DiscordGatewayState BecomeReady();

    /// <summary>Gives an event to the reader; waits while there is no room.</summary>
    ValueTask Give(GatewayEvent e, CancellationToken cancellationToken);
}

/// <summary>Data of op 10; milliseconds.</summary>
internal sealed record HelloData(int HeartbeatInterval);
