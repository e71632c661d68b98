using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Coze's bots on Discord. An account posts the prompt in a channel that a listener watches; what the bot then writes there is the reply. The watch starts
/// before the prompt is posted. Everything passes through grains: posts through the account, events through the listener's session, channels through the
/// janitor.
/// </summary>
internal sealed class DiscordUpstream : IUpstream, IDisposable
{
    /// <summary>The upstream's name in fleet files.</summary>
    public const string UpstreamName = UpstreamNames.Discord;

    private readonly IGrainFactory _grains;
    private readonly IFleetView _fleet;
    private readonly IDiscordApi _discord;
    private readonly IBlobStore _blobs;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PromptPoster _poster;
    private readonly TurnChannels _channels;
    private readonly CadenceRecorder _cadence;

    public DiscordUpstream(
        IGrainFactory grains, IFleetView fleet, IDiscordApi discord, IBlobStore blobs, TimeProvider time, ILogger<DiscordUpstream> logger)
    {
        _grains = grains;
        _fleet = fleet;
        _discord = discord;
        _blobs = blobs;
        _time = time;
        _logger = logger;
        _poster = new PromptPoster(grains);
        _channels = new TurnChannels(grains, logger);
        _cadence = new CadenceRecorder(grains, time, logger);
    }

    /// <inheritdoc />
    public string Name => UpstreamName;

    /// <inheritdoc />
    public bool CanReattach(BotDefinition bot) => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            return await Send(turn, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (IsGrainUnreachable(e))
        {
            // A failure during a post has another code. Here nothing was posted, and the grains of another bot may be reachable.
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The node that handles this bot's Discord listener did not answer. Retry.", inner: e);
        }
    }

    /// <inheritdoc />
    public async ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        var options = DiscordBotOptions.Of(turn.Bot);
        var ids = DiscordHandle.Read(handle.Ids)
            ?? throw new ClusterException(ErrorCode.UpstreamOutcomeUnknown, "The turn's channel and messages on Discord are unknown.");
        var listener = await FindListener(ids.Listener).ConfigureAwait(false);
        var reply = NewReply(turn, options, ids.IsExclusive);
        reply.SetCadence(await _grains.Grain<IBotGrain>(turn.Bot.Id).GetCadence().ConfigureAwait(false));
        var watch = await ChannelWatch.Create(_grains, _discord, listener, ids.ChannelId, turn.Bot.UpstreamBotId, reply, _logger)
            .ConfigureAwait(false);
        reply.OnPosted(ids.MessageIds, ids.SenderId, isResumed: true);
        // The exchange does not wait for the session, which may have been lost with this turn's node.
        return NewExchange(turn, options, ids, listener, reply, watch, isWatched: false);
    }

    /// <summary>Does nothing: Discord cannot stop a bot. The channel is deleted when the turn is released.</summary>
    public ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) => default;

    /// <inheritdoc />
    public ValueTask Release(UpstreamTurn turn, UpstreamHandle handle) =>
        DiscordHandle.Read(handle.Ids) is { } ids ? _channels.Return(turn, DiscordBotOptions.Of(turn.Bot), ids, _cadence.WatchTimeOf(ids.ChannelId)) : default;

    /// <inheritdoc />
    public void Dispose() => _cadence.Dispose();

    /// <summary>Whether a grain could not be reached, for example because its node has failed and the cluster has not noticed yet.</summary>
    internal static bool IsGrainUnreachable(ClusterException e) => e.Code is ErrorCode.CallRejected or ErrorCode.StateConflict;

    private async ValueTask<IExchange> Send(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        if (turn.ToolOutputs.Count > 0) throw new ClusterException(ErrorCode.InvalidRequest, "Bots on Discord do not accept tool results.", "messages");
        var options = DiscordBotOptions.Of(turn.Bot);
        var prompt = await BuildPrompt(turn, options, cancellationToken).ConfigureAwait(false);
        var acquired = new TaskCompletionSource<(ListenerDefinition Listener, TurnChannel Channel)>();
        var preparing = Prepare(turn, options, acquired, cancellationToken);
        try
        {
            await preparing.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled)
        {
            // Grains of a silo that stops may never answer, so the turn does not wait for them.
            _ = UndoLater(turn, acquired.Task, preparing);
            throw new PromptNotSentException(cancelled);
        }
        var (listener, channel, reply, watch) = await preparing.ConfigureAwait(false);
        var posted = new List<string>(prompt.Count);
        try
        {
            var senderId = await _poster.Post(turn, channel, prompt, posted, cancellationToken).ConfigureAwait(false);
            reply.OnPosted(posted, senderId);
            _logger.PromptPosted(turn.TurnId, turn.Account.Id, channel.Id, prompt.Count);
            var ids = new DiscordHandle(listener.Id, channel.Id, posted, senderId, channel.IsExclusive);
            return NewExchange(turn, options, ids, listener, reply, watch, isWatched: true);
        }
        catch (Exception e)
        {
            await Undo(turn, listener, channel, watch, posted, e).ConfigureAwait(false);
            if (e is not ClusterException error || posted.Count == 0) throw;
            throw new ClusterException(
                error.Code,
                $"{error.Message} (message {posted.Count + 1} of the {prompt.Count} of this prompt; the messages before it were removed)",
                error.Param, error.Until, error)
            {
                IsForOneBotOnly = error.IsForOneBotOnly,
            };
        }
    }

    private async ValueTask<IReadOnlyList<PromptMessage>> BuildPrompt(UpstreamTurn turn, DiscordBotOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await DiscordPrompt.Build(turn, options, _blobs, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new PromptNotSentException(cancelled);
        }
    }

    /// <summary>Everything before the first post: acquires a channel, and starts to watch it.</summary>
    private async Task<(ListenerDefinition Listener, TurnChannel Channel, DiscordReply Reply, ChannelWatch Watch)> Prepare(
        UpstreamTurn turn,
        DiscordBotOptions options,
        TaskCompletionSource<(ListenerDefinition Listener, TurnChannel Channel)> acquired,
        CancellationToken cancellationToken)
    {
        var listener = await FindListener(options.Listener).ConfigureAwait(false);
        var cadence = _grains.Grain<IBotGrain>(turn.Bot.Id).GetCadence();
        var channel = await AcquireChannel(turn, options, listener).ConfigureAwait(false);
        acquired.SetResult((listener, channel));
        ChannelWatch? watch = null;
        try
        {
            var reply = NewReply(turn, options, channel.IsExclusive);
            reply.SetCadence(await cadence.ConfigureAwait(false));
            watch = await ChannelWatch.Create(_grains, _discord, listener, channel.Id, turn.Bot.UpstreamBotId, reply, _logger)
                .ConfigureAwait(false);
            await watch.Start(cancellationToken).ConfigureAwait(false);
            return (listener, channel, reply, watch);
        }
        catch (Exception e)
        {
            await Undo(turn, listener, channel, watch, [], e).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<TurnChannel> AcquireChannel(UpstreamTurn turn, DiscordBotOptions options, ListenerDefinition listener)
    {
        try
        {
            return await _channels.Acquire(turn, options, listener).ConfigureAwait(false);
        }
        catch (ClusterException e)
        {
            throw DiscordErrors.OfListener(e, options.Listener);
        }
    }

    private async Task Undo(
        UpstreamTurn turn, ListenerDefinition listener, TurnChannel channel, ChannelWatch? watch, IReadOnlyList<string> posted, Exception? cause)
    {
        if (watch is not null) await watch.DisposeAsync().ConfigureAwait(false);
        var isChannelMissing = cause is ClusterException { Code: ErrorCode.UpstreamNotFound };
        await _channels.RemovePrompt(turn, channel, listener, posted, _discord, isChannelMissing).ConfigureAwait(false);
    }

    private async Task UndoLater(
        UpstreamTurn turn,
        Task<(ListenerDefinition Listener, TurnChannel Channel)> acquired,
        Task<(ListenerDefinition Listener, TurnChannel Channel, DiscordReply Reply, ChannelWatch Watch)> preparing)
    {
        try
        {
            // The channel is released at once: a process that stops may not live until the session has answered.
            await Task.WhenAny(acquired, preparing).ConfigureAwait(false);
            if (acquired.IsCompletedSuccessfully)
            {
                var (listener, channel) = await acquired.ConfigureAwait(false);
                await Undo(turn, listener, channel, null, [], null).ConfigureAwait(false);
            }
            await using var watch = (await preparing.ConfigureAwait(false)).Watch;
        }
        catch (OperationCanceledException)
        {
            // The preparation was cancelled too, and has undone itself.
        }
        catch (Exception e)
        {
            // The janitor deletes the channel when its lifetime ends.
            _logger.PreparationNotUndone(e, turn.TurnId);
        }
    }

    private DiscordExchange NewExchange(
        UpstreamTurn turn, DiscordBotOptions options, DiscordHandle ids, ListenerDefinition listener, DiscordReply reply, ChannelWatch watch, bool isWatched)
    {
        var files = TurnChannels.IsDeletedAfter(turn, options, ids) ? new ReplyFileKeeper(_discord, _blobs, listener, ids.ChannelId, turn, _logger) : null;
        reply.MustBeKept = files is null ? null : files.IsInChannel;
        reply.CountTokens = options.Tokens == DiscordTokens.Off ? null : text => TokenCounts.Estimate(turn, text, options.Tokens);
        return new DiscordExchange(turn, ids, reply, watch, isWatched, _cadence, _channels, files, _time, _logger);
    }

    private DiscordReply NewReply(UpstreamTurn turn, DiscordBotOptions options, bool isExclusive) => new(
        new ReplyMessages(turn.Bot.UpstreamBotId, options.Recognise, isExclusive),
        new ReplyPace(options.End, options.End.FirstWait ?? turn.Bot.Timeouts.FirstByte, turn.Bot.Timeouts.Idle, countsTyping: isExclusive, _time),
        text => CozeStatusTexts.Match(text, _time.GetUtcNow(), options.DailyReset));

    private async ValueTask<ListenerDefinition> FindListener(string id) =>
        await _fleet.FindCurrent(view => view.FindListener(id)).ConfigureAwait(false)
            ?? throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The fleet has no Discord listener '{id}'.");
}
