using System.Net.WebSockets;
using System.Threading.Channels;
using CozeCluster.Upstreams.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Listens as one shard of one bot: keeps a session alive over as many sockets as it takes, and tells when events may have been missed. It identifies only after its owner's gate let it,
/// and never beyond the bot's daily limit, as Discord resets the token of a bot that does.
/// </summary>
/// <param name="options">Which bot, which shard.</param>
/// <param name="describe">Reads where the gateway is and how often the bot may still identify (<see cref="DiscordRest.GetGatewayBot"/>).</param>
/// <param name="gate">Called before each identify; the owner takes its lease there. What it throws ends the run.</param>
/// <param name="turns">Shared by all shards of the bot in this process.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
internal sealed class DiscordGateway(
    DiscordGatewayOptions options,
    Func<CancellationToken, Task<GatewayBot>> describe,
    Func<CancellationToken, ValueTask> gate,
    IdentifyTurns turns,
    TimeProvider time,
    ILogger logger) : IGatewayOwner
{
    // After so many sockets in a row that did not resume, the session is given up.
    private const int MaxResumes = 5;

    // A pause longer than this is worth telling.
    private static readonly TimeSpan LongPause = TimeSpan.FromSeconds(10);

    // A session that lasted this long was a good one.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly Channel<GatewayEvent> _events = Channel.CreateBounded<GatewayEvent>(new BoundedChannelOptions(options.EventBuffer) { SingleReader = true });
    private readonly GatewaySession _session = new();
    private volatile DiscordGatewayState _state = new(GatewayPhase.Connecting, GatewayFault.None, null, time.GetUtcNow());
    private string _url = "";
    private volatile bool _isWaiting;
    private int _maxConcurrency = 1;
    private int _failures;
    private int _unready;

    /// <summary>The health as it is now; changes come as events too, in order with the others.</summary>
    public DiscordGatewayState State => _state;

    /// <summary>Whether an event waits because the reader has not taken those before it.</summary>
    public bool IsWaitingForReader => _isWaiting;

    /// <summary>What happens, in order, for one reader. Ends when <see cref="Run"/> does.</summary>
    public ChannelReader<GatewayEvent> Events => _events.Reader;

    /// <summary>Listens until cancelled, or until something is wrong that only an operator can change (<see cref="GatewayPhase.Fatal"/>). To be called once.</summary>
    public async Task Run(CancellationToken cancellationToken)
    {
        try
        {
            using var http = new HttpMessageInvoker(UpstreamHandlers.New(options.Proxy));
            await Give(new GatewayStateChanged(_state), cancellationToken).ConfigureAwait(false);
            while (true)
            {
                var (end, until) = await Connect(http, cancellationToken).ConfigureAwait(false);
                if (end.Then == AfterClose.Stop)
                {
                    logger.Fatal(options.Name, options.Shard, end.Reason);
                    await Give(Become(GatewayPhase.Fatal, end.Fault, end.Reason), cancellationToken).ConfigureAwait(false);
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

    async ValueTask IGatewayOwner.WaitForTurn(CancellationToken cancellationToken) =>
        await turns.Wait(options.Shard, _maxConcurrency, cancellationToken).ConfigureAwait(false);

    DiscordGatewayState IGatewayOwner.BecomeReady() => Become(GatewayPhase.Ready, GatewayFault.None, null).State;

    ValueTask IGatewayOwner.Give(GatewayEvent e, CancellationToken cancellationToken) => Give(e, cancellationToken);

    private async ValueTask Give(GatewayEvent e, CancellationToken cancellationToken)
    {
        if (_events.Writer.TryWrite(e)) return;
        _isWaiting = true;
        await _events.Writer.WriteAsync(e, cancellationToken).ConfigureAwait(false);
        _isWaiting = false;
    }

    /// <summary>One socket, from finding the gateway to its end; with the time before which nothing is worth trying.</summary>
    private async Task<(ConnectionEnd End, DateTimeOffset? Until)> Connect(HttpMessageInvoker http, CancellationToken cancellationToken)
    {
        string address;
        if (_session.Id is null)
        {
            GatewayBot bot;
            try
            {
                bot = await describe(cancellationToken).ConfigureAwait(false);
            }
            catch (ClusterException e)
            {
                return e.Code == ErrorCode.UpstreamUnauthorized
                    ? (new ConnectionEnd(AfterClose.Stop, GatewayFault.BadToken, e.Message), null)
                    : (new ConnectionEnd(AfterClose.Identify, GatewayFault.None, e.Message), e.Until);
            }
            if (bot.SessionStartLimit.Remaining <= 0) return SpentOf(bot.SessionStartLimit);
            _maxConcurrency = bot.SessionStartLimit.MaxConcurrency;
            address = _url = options.Url ?? bot.Url;
            await gate(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            address = options.Url ?? _session.ResumeUrl ?? _url;
            await Give(Become(GatewayPhase.Resuming, GatewayFault.None, _state.Reason), cancellationToken).ConfigureAwait(false);
        }
        return (await Listen(http, address, cancellationToken).ConfigureAwait(false), null);
    }

    private async Task<ConnectionEnd> Listen(HttpMessageInvoker http, string address, CancellationToken cancellationToken)
    {
        if (AddressOf(address) is not { } uri) return new ConnectionEnd(AfterClose.Identify, GatewayFault.None, "The gateway's address is not a ws:// or wss:// one.");
        GatewaySocket? socket = null;
        try
        {
            using (var timeout = new CancellationTokenSource(options.ConnectTimeout, time))
            using (var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token))
                socket = await GatewaySocket.Connect(http, uri, options.Compress, time, ends.Token).ConfigureAwait(false);
            return await new GatewayConnection(socket, options, _session, this, time, logger).Run(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return ConnectionEnd.Resume("The gateway could not be reached.");
        }
        finally
        {
            logger.SocketEnded(options.Name, options.Shard, socket?.CloseCode);
            socket?.Dispose();
        }
    }

    /// <summary>Between two sockets.</summary>
    private async Task Pause(ConnectionEnd end, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        _unready = end.ReadyFor is null ? _unready + 1 : 0;
        if (end.Then == AfterClose.Identify || _unready > MaxResumes) _session.Forget();
        // Sockets that resume cost nothing. Sessions that begin and break at once use up the day's identifies, so they do not count as a success.
        var isSuccess = end.ReadyFor >= Settled || (end.ReadyFor is not null && !end.DidIdentify);
        _failures = isSuccess ? 0 : _failures + 1;
        var isFree = isSuccess || (end.ReadyFor is not null && end.Then == AfterClose.Resume);

        var pause = isFree ? TimeSpan.Zero : options.FirstPause * Math.Pow(2, Math.Min(_failures - 1, 16));
        if (pause > options.LongestPause) pause = options.LongestPause;
        pause *= 0.5 + Random.Shared.NextDouble() / 2;
        if (end.Pause > pause) pause = end.Pause;
        var now = time.GetUtcNow();
        if (until - now is { } known && known > pause) pause = known;

        await Give(Become(GatewayPhase.Reconnecting, end.Fault, end.Reason, pause > LongPause ? now + pause : null), cancellationToken).ConfigureAwait(false);
        if (pause > TimeSpan.Zero) await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
    }

    private (ConnectionEnd, DateTimeOffset?) SpentOf(SessionStartLimit limit)
    {
        var until = time.GetUtcNow() + TimeSpan.FromMilliseconds(Math.Clamp(limit.ResetAfter, 1_000, TimeSpan.MillisecondsPerDay));
        return (new ConnectionEnd(AfterClose.Identify, GatewayFault.IdentifyLimit, "The bot has identified as often as Discord lets it today."), until);
    }

    private GatewayStateChanged Become(GatewayPhase phase, GatewayFault fault, string? reason, DateTimeOffset? until = null)
    {
        _state = new DiscordGatewayState(phase, fault, reason, time.GetUtcNow(), until);
        logger.Phase(options.Name, options.Shard, phase, reason ?? "");
        return new GatewayStateChanged(_state);
    }

    private Uri? AddressOf(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("ws" or "wss")) return null;
        return new UriBuilder(address) { Query = $"v=10&encoding=json{(options.Compress ? "&compress=zlib-stream" : "")}" }.Uri;
    }
}
