using System.Net.WebSockets;
using System.Threading.Channels;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Connects one shard of one bot to Discord's gateway: keeps a session over any number of sockets, and reports when events may have been lost. It identifies
/// only after it has the lease, and never more often than the bot's daily limit allows, because Discord resets the token of a bot that exceeds it.
/// </summary>
/// <param name="options">The bot and the shard.</param>
/// <param name="getGatewayBot">
/// Reads the address of Discord's gateway and how often the bot may still identify (<see cref="DiscordRest.GetGatewayBot"/>).
/// </param>
/// <param name="takeLease">Called before each identify. Its exceptions end the run.</param>
/// <param name="pacing">Shared by all shards of the bot in this process.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed class DiscordGateway(
    DiscordGatewayOptions options,
    Func<CancellationToken, Task<DiscordGatewayBot>> getGatewayBot,
    Func<CancellationToken, ValueTask> takeLease,
    IdentifyPacing pacing,
    TimeProvider time,
    ILogger logger) : IDiscordGatewayOwner
{
    // After this many sockets in a row that did not become ready, the session is discarded.
    private const int MaxResumes = 5;

    // Only the ends of longer pauses are part of the state.
    private static readonly TimeSpan LongPause = TimeSpan.FromSeconds(10);

    // A new session that was ready for this duration counts as a success.
    private static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(30);

    private readonly Channel<DiscordGatewayEvent> _events =
        Channel.CreateBounded<DiscordGatewayEvent>(new BoundedChannelOptions(options.EventBuffer) { SingleReader = true });

    private readonly DiscordGatewaySession _session = new();
    private volatile DiscordGatewayState _state = new(DiscordGatewayPhase.Connecting, DiscordGatewayFault.None, null, time.GetUtcNow());
    private string _url = "";
    private volatile bool _isWaiting;
    private int _maxConcurrency = 1;
    private int _failures;
    private int _notReady;

    /// <summary>The current state. Changes are also events, in order with the others.</summary>
    public DiscordGatewayState State => _state;

    /// <summary>Whether an event waits because the buffer is full.</summary>
    public bool IsWaitingForReader => _isWaiting;

    /// <summary>The events, in order, for one reader. Completes when <see cref="Run"/> does.</summary>
    public ChannelReader<DiscordGatewayEvent> Events => _events.Reader;

    /// <summary>Runs until cancelled, or until an operator has to act (<see cref="DiscordGatewayPhase.Fatal"/>). Call it only once.</summary>
    public async Task Run(CancellationToken cancellationToken)
    {
        try
        {
            using var http = new HttpMessageInvoker(UpstreamHandlers.New(options.Proxy));
            await Publish(new DiscordGatewayStateChanged(_state), cancellationToken).ConfigureAwait(false);
            while (true)
            {
                var (end, until) = await Connect(http, cancellationToken).ConfigureAwait(false);
                if (end.Next == AfterClose.Stop)
                {
                    logger.GatewayStopped(options.Name, options.Shard, end.Reason);
                    await Publish(SetState(DiscordGatewayPhase.Fatal, end.Fault, end.Reason), cancellationToken).ConfigureAwait(false);
                    break;
                }
                await Pause(end, until, cancellationToken).ConfigureAwait(false);
            }
            _events.Writer.TryComplete();
        }
        catch (Exception e)
        {
            _events.Writer.TryComplete(e is OperationCanceledException ? null : e);
            throw;
        }
    }

    async ValueTask IDiscordGatewayOwner.WaitToIdentify(CancellationToken cancellationToken) =>
        await pacing.Wait(options.Shard, _maxConcurrency, cancellationToken).ConfigureAwait(false);

    DiscordGatewayState IDiscordGatewayOwner.SetReady() => SetState(DiscordGatewayPhase.Ready, DiscordGatewayFault.None, null).State;

    ValueTask IDiscordGatewayOwner.Publish(DiscordGatewayEvent e, CancellationToken cancellationToken) => Publish(e, cancellationToken);

    private async ValueTask Publish(DiscordGatewayEvent e, CancellationToken cancellationToken)
    {
        if (_events.Writer.TryWrite(e)) return;
        _isWaiting = true;
        await _events.Writer.WriteAsync(e, cancellationToken).ConfigureAwait(false);
        _isWaiting = false;
    }

    /// <summary>Finds Discord's gateway, opens one socket, and waits for its end.</summary>
    /// <returns>How it ended, and when the next attempt makes sense; null: at once.</returns>
    private async Task<(ConnectionEnd End, DateTimeOffset? Until)> Connect(HttpMessageInvoker http, CancellationToken cancellationToken)
    {
        string address;
        if (_session.Id is null)
        {
            DiscordGatewayBot bot;
            try
            {
                bot = await getGatewayBot(cancellationToken).ConfigureAwait(false);
            }
            catch (ClusterException e)
            {
                return e.Code == ErrorCode.UpstreamUnauthorized
                    ? (new ConnectionEnd(AfterClose.Stop, DiscordGatewayFault.BadToken, e.Message), null)
                    : (new ConnectionEnd(AfterClose.Identify, DiscordGatewayFault.None, e.Message), e.Until);
            }
            if (bot.SessionStartLimit.Remaining <= 0) return IdentifyLimitReached(bot.SessionStartLimit);
            _maxConcurrency = bot.SessionStartLimit.MaxConcurrency;
            address = _url = options.Url ?? bot.Url;
            await takeLease(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            address = options.Url ?? _session.ResumeUrl ?? _url;
            await Publish(SetState(DiscordGatewayPhase.Resuming, DiscordGatewayFault.None, _state.Reason), cancellationToken).ConfigureAwait(false);
        }
        return (await RunSocket(http, address, cancellationToken).ConfigureAwait(false), null);
    }

    private async Task<ConnectionEnd> RunSocket(HttpMessageInvoker http, string address, CancellationToken cancellationToken)
    {
        if (AddressOf(address) is not { } uri)
        {
            return new ConnectionEnd(AfterClose.Identify, DiscordGatewayFault.None, "The address of Discord's gateway is not a ws:// or wss:// address.");
        }
        DiscordGatewaySocket? socket = null;
        try
        {
            using (var timeout = new CancellationTokenSource(options.ConnectTimeout, time))
            using (var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token))
            {
                socket = await DiscordGatewaySocket.Connect(http, uri, options.Compress, time, ends.Token).ConfigureAwait(false);
            }
            return await new DiscordGatewayConnection(socket, options, _session, this, time, logger).Run(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ConnectionEnd.Resume("Discord's gateway could not be reached.");
        }
        finally
        {
            logger.SocketEnded(options.Name, options.Shard, socket?.CloseCode);
            socket?.Dispose();
        }
    }

    /// <summary>Waits between two sockets.</summary>
    private async Task Pause(ConnectionEnd end, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        _notReady = end.ReadyFor is null ? _notReady + 1 : 0;
        if (end.Next == AfterClose.Identify || _notReady > MaxResumes) _session.Discard();
        // Resuming has no limit. A session that begins and breaks at once has used up one of the day's identifies, so it does not count as a success.
        var isSuccess = end.ReadyFor >= StableAfter || (end.ReadyFor is not null && !end.DidIdentify);
        _failures = isSuccess ? 0 : _failures + 1;
        var needsNoPause = isSuccess || (end.ReadyFor is not null && end.Next == AfterClose.Resume);

        var pause = needsNoPause ? TimeSpan.Zero : options.FirstPause * Math.Pow(2, Math.Min(_failures - 1, 16));
        if (pause > options.MaxPause) pause = options.MaxPause;
        pause *= 0.5 + Random.Shared.NextDouble() / 2;
        if (end.Pause > pause) pause = end.Pause;
        var now = time.GetUtcNow();
        if (until - now is { } known && known > pause) pause = known;

        var state = SetState(DiscordGatewayPhase.Reconnecting, end.Fault, end.Reason, pause > LongPause ? now + pause : null);
        await Publish(state, cancellationToken).ConfigureAwait(false);
        if (pause > TimeSpan.Zero) await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
    }

    private (ConnectionEnd, DateTimeOffset?) IdentifyLimitReached(SessionStartLimit limit)
    {
        var until = time.GetUtcNow() + TimeSpan.FromMilliseconds(Math.Clamp(limit.ResetAfter, 1_000, TimeSpan.MillisecondsPerDay));
        return (new ConnectionEnd(AfterClose.Identify, DiscordGatewayFault.IdentifyLimit, "The bot has identified as often as Discord allows today."), until);
    }

    private DiscordGatewayStateChanged SetState(DiscordGatewayPhase phase, DiscordGatewayFault fault, string? reason, DateTimeOffset? until = null)
    {
        _state = new DiscordGatewayState(phase, fault, reason, time.GetUtcNow(), until);
        logger.GatewayStateChanged(options.Name, options.Shard, phase, reason ?? "");
        return new DiscordGatewayStateChanged(_state);
    }

    private Uri? AddressOf(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("ws" or "wss")) return null;
        return new UriBuilder(address) { Query = $"v=10&encoding=json{(options.Compress ? "&compress=zlib-stream" : "")}" }.Uri;
    }
}

/// <summary>
/// Spaces the identifies of one bot's shards: shards whose numbers are the same modulo the allowed concurrency identify one after another, five seconds apart
/// (Discord's gateway reference, "Max Concurrency"). One per bot and process. Thread-safe.
/// </summary>
internal sealed class IdentifyPacing(TimeProvider time)
{
    private static readonly TimeSpan Distance = TimeSpan.FromMilliseconds(5_100);

    private readonly Lock _gate = new();
    private readonly Dictionary<int, DateTimeOffset> _next = [];

    /// <summary>Waits until the shard may identify.</summary>
    public async ValueTask Wait(int shard, int maxConcurrency, CancellationToken cancellationToken)
    {
        DateTimeOffset at;
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var key = shard % Math.Max(1, maxConcurrency);
            at = _next.TryGetValue(key, out var next) && next > now ? next : now;
            _next[key] = at + Distance;
        }
        if (at > now) await Task.Delay(at - now, time, cancellationToken).ConfigureAwait(false);
    }
}
