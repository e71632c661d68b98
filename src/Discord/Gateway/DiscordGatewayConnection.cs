using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>One socket, from the hello of Discord's gateway to the end: identifies or resumes, sends heartbeats, and passes events to the owner.</summary>
internal sealed class DiscordGatewayConnection(
    DiscordGatewaySocket socket, DiscordGatewayOptions options, DiscordGatewaySession session, IDiscordGatewayOwner owner, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan MinPauseAfterInvalid = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPauseAfterInvalid = TimeSpan.FromSeconds(5);

    // If Discord's gateway has acknowledged this many heartbeats without starting a session, it is not going to start one.
    private const int MaxHeartbeatsWithoutSession = 3;

    private readonly List<DiscordGatewayEvent> _events = [];
    private volatile bool _isAcknowledged = true;
    private volatile bool _isReading;
    private volatile bool _isReady;
    private volatile string? _abortReason;
    private DateTimeOffset? _readySince;
    private bool _didIdentify;
    private bool _isHeartbeatRequested;

    /// <summary>Runs until the socket ends. Does not dispose the socket.</summary>
    public async Task<ConnectionEnd> Run(CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A receive that is cancelled aborts the socket; closing it first ends the session in an orderly way.
        await using var stop = cancellationToken.UnsafeRegister(static connection => _ = ((DiscordGatewayConnection)connection!).Stop(), this)
            .ConfigureAwait(false);
        var heartbeats = Task.CompletedTask;
        try
        {
            var interval = await ReceiveHello(cancellationToken).ConfigureAwait(false);
            heartbeats = SendHeartbeats(interval, ends.Token);
            await IdentifyOrResume(cancellationToken).ConfigureAwait(false);
            return Complete(await Read(cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or InvalidDataException or JsonException
            or ObjectDisposedException)
        {
            // A socket that is aborted during a receive throws OperationCanceledException too.
            cancellationToken.ThrowIfCancellationRequested();
            if (_abortReason is { } reason) return Complete(ConnectionEnd.Resume(reason));
            if (e is not (InvalidDataException or JsonException)) return Complete(DiscordGatewayCloseCodes.EndOf(socket.CloseCode));
            await socket.Close(DiscordGatewayCloseCodes.ToResume).ConfigureAwait(false);
            return Complete(ConnectionEnd.Resume("Discord sent data that its protocol does not document."));
        }
        finally
        {
            await ends.CancelAsync().ConfigureAwait(false);
            await heartbeats.ConfigureAwait(false);
        }
    }

    private async Task Stop()
    {
        // Code 1000 ends the session: Discord shows the bot as offline at once, and keeps no events for it.
        await socket.Close((int)WebSocketCloseStatus.NormalClosure).ConfigureAwait(false);
        socket.Abort();
    }

    private ConnectionEnd Complete(ConnectionEnd end) => end with { ReadyFor = time.GetUtcNow() - _readySince, DidIdentify = _didIdentify };

    private async Task<TimeSpan> ReceiveHello(CancellationToken cancellationToken)
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
        var payload = DiscordGatewayPayload.Read(json);
        if (payload.Op != DiscordGatewayOp.Hello) throw new JsonException($"The first payload of Discord's gateway has opcode {(int)payload.Op}.");
        var hello = JsonSerializer.Deserialize(payload.Data, DiscordJson.Default.HelloData);
        return hello is { HeartbeatInterval: > 0 }
            ? TimeSpan.FromMilliseconds(hello.HeartbeatInterval)
            : throw new JsonException("The hello of Discord's gateway has no heartbeat interval.");
    }

    private async Task IdentifyOrResume(CancellationToken cancellationToken)
    {
        if (session.Id is { } id)
        {
            await socket.Send(DiscordGatewayCommands.Resume(options.Token, id, session.Sequence ?? 0), isHeartbeat: false, cancellationToken)
                .ConfigureAwait(false);
            return;
        }
        await owner.WaitToIdentify(cancellationToken).ConfigureAwait(false);
        _didIdentify = true;
        await socket.Send(DiscordGatewayCommands.Identify(options), isHeartbeat: false, cancellationToken).ConfigureAwait(false);
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
                return DiscordGatewayCloseCodes.EndOf(socket.CloseCode);
            }
            var end = Handle(payload.Value.Span);
            // If Discord's gateway requests heartbeats without pause, it gets no more of them than its send limit allows.
            if (_isHeartbeatRequested && socket.HasRoom) await SendHeartbeat(isHeartbeat: false, cancellationToken).ConfigureAwait(false);
            _isHeartbeatRequested = false;
            foreach (var e in _events) await owner.Publish(e, cancellationToken).ConfigureAwait(false);
            _events.Clear();
            if (end is null) continue;
            await socket.Close(DiscordGatewayCloseCodes.ToResume).ConfigureAwait(false);
            return end;
        }
    }

    /// <summary>Handles a payload, and adds its events to <see cref="_events"/>.</summary>
    /// <returns>Not null if the connection has to end.</returns>
    private ConnectionEnd? Handle(ReadOnlySpan<byte> json)
    {
        var payload = DiscordGatewayPayload.Read(json);
        switch (payload.Op)
        {
            case DiscordGatewayOp.Dispatch:
                if (payload.Sequence is { } number) session.Sequence = number;
                Dispatch(payload.Type, payload.Data);
                break;
            case DiscordGatewayOp.HeartbeatAck:
                _isAcknowledged = true;
                break;
            case DiscordGatewayOp.Heartbeat:
                _isHeartbeatRequested = true;
                break;
            case DiscordGatewayOp.Reconnect:
                return ConnectionEnd.Resume("Discord requests a reconnect.");
            case DiscordGatewayOp.InvalidSession:
                var isResumable = payload.Data.SequenceEqual("true"u8) && session.Id is not null;
                return new ConnectionEnd(
                    isResumable ? AfterClose.Resume : AfterClose.Identify, DiscordGatewayFault.None, "Discord declared the session invalid.")
                {
                    Pause = MinPauseAfterInvalid + (MaxPauseAfterInvalid - MinPauseAfterInvalid) * Random.Shared.NextDouble(),
                };
        }
        if (_readySince is not null) session.LastPayloadAt = time.GetUtcNow();
        return null;
    }

    private void Dispatch(DispatchType type, ReadOnlySpan<byte> data)
    {
        if (type == DispatchType.Ready)
        {
            var (ready, id, resumeUrl) = DiscordGatewayDispatch.ReadReady(data);
            session.Begin(id, resumeUrl);
            SetReady();
            _events.Add(ready);
            if (session.LostSince is { } since)
            {
                session.LostSince = null;
                logger.EventsMissed(options.Name, options.Shard, since);
                _events.Add(new DiscordGatewayEventsMissed(since));
            }
            return;
        }
        if (type == DispatchType.Resumed)
        {
            SetReady();
            return;
        }
        try
        {
            if (DiscordGatewayDispatch.Read(type, data) is { } e) _events.Add(e);
        }
        catch (JsonException e)
        {
            // The other events are still useful.
            logger.EventUnreadable(e, options.Name, options.Shard, type.ToString());
            _events.Add(new DiscordGatewayEventsMissed(session.LastPayloadAt - DiscordGatewaySession.Margin));
        }
    }

    private void SetReady()
    {
        _readySince = time.GetUtcNow();
        _isReady = true;
        _events.Add(new DiscordGatewayStateChanged(owner.SetReady()));
    }

    /// <summary>
    /// Sends heartbeats until the connection ends. Aborts the connection if a heartbeat is not acknowledged before the next one, or if nothing but heartbeats
    /// arrives before the session starts.
    /// </summary>
    private async Task SendHeartbeats(TimeSpan interval, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(interval * Random.Shared.NextDouble(), time, cancellationToken).ConfigureAwait(false);
            for (var withoutSession = 0; ;)
            {
                _isAcknowledged = false;
                var sending = SendHeartbeat(isHeartbeat: true, cancellationToken).AsTask();
                await Task.Delay(interval, time, cancellationToken).ConfigureAwait(false);
                // While the event buffer is full, the socket is not read, and the acknowledgement waits in it.
                var isAlive = sending.IsCompleted && (_isAcknowledged || !_isReading);
                if (isAlive)
                {
                    await sending.ConfigureAwait(false);
                    if (_isReady || !_isReading || ++withoutSession < MaxHeartbeatsWithoutSession) continue;
                }
                _abortReason = isAlive ? "Discord does not start a session." : "Discord did not acknowledge a heartbeat.";
                await socket.Close(DiscordGatewayCloseCodes.ToResume).ConfigureAwait(false);
                socket.Abort();
                return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The reading side gets the same error and handles it.
        }
    }

    private ValueTask SendHeartbeat(bool isHeartbeat, CancellationToken cancellationToken) =>
        socket.Send(DiscordGatewayCommands.Heartbeat(session.Sequence), isHeartbeat, cancellationToken);
}

/// <summary>The owner of a <see cref="DiscordGatewayConnection"/>.</summary>
internal interface IDiscordGatewayOwner
{
    /// <summary>Waits until this shard may identify.</summary>
    ValueTask WaitToIdentify(CancellationToken cancellationToken);

    /// <summary>Records that the connection receives events.</summary>
    DiscordGatewayState SetReady();

    /// <summary>Passes an event to the reader; waits while the buffer is full.</summary>
    ValueTask Publish(DiscordGatewayEvent e, CancellationToken cancellationToken);
}

/// <summary>What outlives the sockets of a session.</summary>
internal sealed class DiscordGatewaySession
{
    /// <summary>How much earlier than the last payload events may have been lost: clocks differ, and events take time to arrive.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    /// <summary>The session's id; null: there is no session to resume.</summary>
    public string? Id { get; private set; }

    /// <summary>The address to resume at; null: the address where the session began.</summary>
    public string? ResumeUrl { get; private set; }

    /// <summary>The number of the last dispatch.</summary>
    public long? Sequence { get; set; }

    /// <summary>When the last payload arrived. Until then, no event was lost.</summary>
    public DateTimeOffset LastPayloadAt { get; set; }

    /// <summary>Since when events may have been lost with a session; null: none.</summary>
    public DateTimeOffset? LostSince { get; set; }

    /// <summary>Records that a session began.</summary>
    public void Begin(string id, string? resumeUrl) => (Id, ResumeUrl) = (id, string.IsNullOrEmpty(resumeUrl) ? null : resumeUrl);

    /// <summary>Records that the session is lost.</summary>
    public void Discard()
    {
        if (Id is null) return;
        LostSince ??= LastPayloadAt - Margin;
        (Id, ResumeUrl, Sequence) = (null, null, null);
    }
}

/// <summary>The data of a hello (opcode 10). The interval is in milliseconds.</summary>
internal sealed record HelloData(int HeartbeatInterval);
