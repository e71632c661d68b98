using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>A reply that is received in a channel. The handle is known from the start; the end is decided here, because Discord does not report it.</summary>
internal sealed class DiscordExchange(
    UpstreamTurn turn,
    DiscordHandle ids,
    DiscordReply reply,
    ChannelWatch watch,
    bool isWatched,
    CadenceRecorder cadence,
    TurnChannels channels,
    ReplyFileKeeper? files,
    TimeProvider time,
    ILogger logger) : IExchange
{
    /// <summary>After this duration without an event, the session is asked whether it still watches: one that moved to another node does not.</summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(3);

    private UpstreamHandle? _handle = ids.ToHandle(turn);
    private long _lastEventAt = time.GetTimestamp();
    // The call that starts or checks the watch, if one is running. Its result is whether events may have been missed.
    private Task<bool>? _watchCall;
    private bool _isWatched = isWatched;
    // Ends the calls to the session with the exchange.
    private readonly CancellationTokenSource _closing = new();

    /// <inheritdoc />
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_handle is not null)
        {
            if (!_isWatched) _watchCall ??= StartWatch();
            return true;
        }
        while (true)
        {
            switch (reply.GetNextStep(out var change, out var wait))
            {
                case ReplyStep.Write:
                    if (files is not null) await KeepFiles(files, cancellationToken).ConfigureAwait(false);
                    await CountTokens().ConfigureAwait(false);
                    return true;
                case ReplyStep.Complete:
                    return false;
                case ReplyStep.Wait:
                    await Wait(change, wait, cancellationToken).ConfigureAwait(false);
                    break;
                case ReplyStep.ReadChannel:
                    await watch.ReadChannel(ids.MessageIds[0], cancellationToken).ConfigureAwait(false);
                    break;
                case ReplyStep.DecideEnd:
                    await DecideEnd(cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        if (_handle is { } handle) sink.Identify(handle);
        _handle = null;
        reply.WriteTo(sink);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await cadence.Record(turn.Bot.Id, ids.ChannelId, reply, watch).ConfigureAwait(false);
        // The conversation has not received the handle, so it cannot release the channel of the turn.
        if (_handle is not null) await channels.Return(turn, DiscordBotOptions.Of(turn.Bot), ids, TimeSpan.Zero).ConfigureAwait(false);
    }

    private async Task<bool> StartWatch()
    {
        await watch.Start(_closing.Token).ConfigureAwait(false);
        return true;
    }

    private async Task KeepFiles(ReplyFileKeeper keeper, CancellationToken cancellationToken)
    {
        var kept = await Task.WhenAll(reply.FilesToKeep.Select(file => keeper.Keep(file, cancellationToken))).ConfigureAwait(false);
        foreach (var file in kept) reply.OnKept(file);
    }

    /// <summary>Counts on the thread pool: a long text takes milliseconds, in which the conversation could not be called.</summary>
    private async Task CountTokens()
    {
        if (reply.TextToCount is { } text && reply.CountTokens is { } count)
            reply.OnCounted(await Task.Run(() => count(text), CancellationToken.None).ConfigureAwait(false));
    }

    private async Task Wait(Task change, TimeSpan wait, CancellationToken cancellationToken)
    {
        var untilCheck = CheckInterval - time.GetElapsedTime(_lastEventAt);
        if (untilCheck <= TimeSpan.Zero)
        {
            _lastEventAt = time.GetTimestamp();
            // While the session cannot be reached, there are no events.
            if (!_isWatched || _watchCall is not null) reply.OnEventsMissed();
            _watchCall ??= watch.Restore(_closing.Token);
            return;
        }
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timer = Task.Delay(wait < untilCheck ? wait : untilCheck, time, ends.Token);
        await (_watchCall is null ? Task.WhenAny(change, timer) : Task.WhenAny(change, timer, _watchCall)).ConfigureAwait(false);
        await ends.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (change.IsCompleted) _lastEventAt = time.GetTimestamp();
        if (_watchCall is { IsCompleted: true } completed) await EndWatchCall(completed).ConfigureAwait(false);
    }

    private async Task EndWatchCall(Task<bool> completed)
    {
        _watchCall = null;
        try
        {
            var wasLost = await completed.ConfigureAwait(false);
            if (wasLost) logger.WatchRestored(turn.TurnId);
            if (wasLost || !_isWatched) reply.OnEventsMissed();
            _isWatched = true;
        }
        catch (ClusterException e)
        {
            logger.WatchUnknown(e, turn.TurnId);
            _isWatched = false;
        }
    }

    private async Task DecideEnd(CancellationToken cancellationToken)
    {
        try
        {
            if (await watch.ReadChannel(ids.MessageIds[0], cancellationToken).ConfigureAwait(false))
            {
                // Events should have delivered it. The session may have lost the watch.
                logger.FoundByReading(turn.TurnId);
                if (reply.Outcome is null) _watchCall ??= StartWatch();
                return;
            }
        }
        catch (ClusterException e) when (_isWatched && _watchCall is null && e.InnerException is DiscordErrorException { Status: 403 })
        {
            // The listener may never read here, so the events have to be enough. After any other failure they are not: what keeps Discord from answering may
            // keep it from sending events too, and half a reply would look complete.
            logger.LastReadFailed(e, turn.TurnId, e.Code);
        }
        reply.DecideEnd();
    }
}

/// <summary>What is needed to find a reply again.</summary>
/// <param name="Listener">Id of the listener.</param>
/// <param name="ChannelId">Snowflake of the channel or thread.</param>
/// <param name="MessageIds">Snowflakes of the prompt's messages, in order.</param>
/// <param name="SenderId">Snowflake of the user who posted them; null if unknown.</param>
/// <param name="IsExclusive">Whether no other conversation uses the channel.</param>
internal sealed record DiscordHandle(string Listener, string ChannelId, IReadOnlyList<string> MessageIds, string? SenderId, bool IsExclusive)
{
    private const string ListenerKey = "listener";
    private const string ChannelKey = "channel_id";
    private const string MessageKey = "message_id";
    private const string MessagesKey = "message_ids";
    private const string SenderKey = "user_id";
    private const string SharedKey = "shared";

    /// <summary>The form that conversations store.</summary>
    public UpstreamHandle ToHandle(UpstreamTurn turn)
    {
        var ids = new Dictionary<string, string> { [ListenerKey] = Listener, [ChannelKey] = ChannelId, [MessageKey] = MessageIds[^1] };
        if (MessageIds.Count > 1) ids[MessagesKey] = string.Join(',', MessageIds);
        if (SenderId is not null) ids[SenderKey] = SenderId;
        if (!IsExclusive) ids[SharedKey] = "true";
        return new UpstreamHandle(turn.Bot.Id, turn.Account.Id, turn.Bot.Upstream, ids);
    }

    /// <summary>Reads the ids of <see cref="ToHandle"/>; null if they are others.</summary>
    public static DiscordHandle? Read(IReadOnlyDictionary<string, string> ids)
    {
        if (ids.GetValueOrDefault(ListenerKey) is not { Length: > 0 } listener) return null;
        if (ids.GetValueOrDefault(ChannelKey) is not { Length: > 0 } channel) return null;
        var messages = (ids.GetValueOrDefault(MessagesKey) ?? ids.GetValueOrDefault(MessageKey) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        if (messages.Length == 0 || !Array.TrueForAll(messages, message => Snowflake.TryParse(message, out _))) return null;
        return new DiscordHandle(listener, channel, messages, ids.GetValueOrDefault(SenderKey), !ids.ContainsKey(SharedKey));
    }
}
