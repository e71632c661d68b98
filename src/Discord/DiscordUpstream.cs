using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Coze's bots on Discord. A turn is a prompt posted by an account into a channel that a listener watches; the bot's answer there is the reply. Watching starts before sending.
/// All that is Discord's goes through grains: posts through the account, events through the listener's session, channels through the janitor.
/// </summary>
internal sealed class DiscordUpstream : IUpstream, IDisposable
{
    /// <summary>The name fleets use.</summary>
    public const string UpstreamName = "discord";

    private const int NonceToken = 20;

    private readonly IGrainFactory _grains;
    private readonly IDiscordApi _discord;
    private readonly IBlobStore _blobs;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PostingOrder _order = new();
    private readonly DiscordChannels _channels;
    private readonly DiscordLearning _learning;

    public DiscordUpstream(IGrainFactory grains, IDiscordApi discord, IBlobStore blobs, TimeProvider time, ILogger<DiscordUpstream> logger)
    {
        _grains = grains;
        _discord = discord;
        _blobs = blobs;
        _time = time;
        _logger = logger;
        _channels = new DiscordChannels(grains, logger);
        _learning = new DiscordLearning(grains, time);
    }

    /// <inheritdoc />
    public string Name => UpstreamName;

    /// <inheritdoc />
    public bool CanReattach => true;

    /// <inheritdoc />
    public async ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        try
        {
            return await Send(turn, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (IsOfTheEngine(e))
        {
            // What was on its way to Discord fails otherwise: nothing was posted, and another bot's listener may be within reach.
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The part of the server that speaks with Discord cannot be reached.", inner: e);
        }
    }

    private async ValueTask<IExchange> Send(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        if (turn.ToolOutputs.Count > 0) throw new ClusterException(ErrorCode.InvalidRequest, "Bots on Discord take no results of tool calls.", "messages");
        var options = DiscordBotOptions.Of(turn.Bot);
        var prompt = await DiscordPrompt.Of(turn, options, _blobs, cancellationToken).ConfigureAwait(false);
        var listener = await FindListener(options.Listener).ConfigureAwait(false);
        var cadence = _grains.Grain<IBotGrain>(turn.Bot.Id).Cadence();
        var place = await _channels.Take(turn, options).ConfigureAwait(false);
        var posted = new List<string>(prompt.Count);
        ChannelWatch? far = null;
        try
        {
            var reply = NewReply(turn, options, place.IsAlone);
            reply.Know(await cadence.ConfigureAwait(false));
            far = new ChannelWatch(_grains, _discord, listener, place.Id, turn.Bot.UpstreamBotId, reply);
            await far.Watch().ConfigureAwait(false);
            var senderId = await Post(turn, place, prompt, posted, cancellationToken).ConfigureAwait(false);
            reply.Sent(posted, senderId);
            _logger.Prompted(turn.TurnId, turn.Account.Id, place.Id, prompt.Count);
            return new DiscordExchange(turn, new DiscordHandle(listener.Id, place.Id, posted, senderId, place.IsAlone), reply, far, isWatched: true, _learning, _channels, _time, _logger);
        }
        catch (Exception e)
        {
            if (far is not null) await far.DisposeAsync().ConfigureAwait(false);
            await _channels.TakeBack(place, listener, posted, _discord, isBroken: e is ClusterException { Code: ErrorCode.UpstreamNotFound }).ConfigureAwait(false);
            if (e is not ClusterException error || posted.Count == 0) throw;
            throw new ClusterException(error.Code, $"{error.Message} (at part {posted.Count + 1} of {prompt.Count}; the parts before it were taken back)", error.Param, error.Until, error);
        }
    }

    /// <inheritdoc />
    public async ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken)
    {
        var options = DiscordBotOptions.Of(turn.Bot);
        var ids = DiscordHandle.Of(handle.Ids) ?? throw new ClusterException(ErrorCode.UpstreamOutcomeUnknown, "The turn's place on Discord is not known.");
        var listener = await FindListener(ids.Listener).ConfigureAwait(false);
        var reply = NewReply(turn, options, ids.IsAlone);
        reply.Know(await _grains.Grain<IBotGrain>(turn.Bot.Id).Cadence().ConfigureAwait(false));
        var far = new ChannelWatch(_grains, _discord, listener, ids.ChannelId, turn.Bot.UpstreamBotId, reply);
        reply.Sent(ids.MessageIds, ids.SenderId, isFound: true);
        // The session may take its time, above all if it was lost with this turn's node.
        return new DiscordExchange(turn, ids, reply, far, isWatched: false, _learning, _channels, _time, _logger);
    }

    /// <summary>Discord has no way to stop a bot; its channel goes when the turn is settled.</summary>
    public ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken) => default;

    /// <inheritdoc />
    public ValueTask Settle(UpstreamTurn turn, UpstreamHandle handle) =>
        DiscordHandle.Of(handle.Ids) is { } ids ? _channels.GiveBack(turn, DiscordBotOptions.Of(turn.Bot), ids) : default;

    /// <inheritdoc />
    public void Dispose() => _learning.Dispose();

    /// <summary>Posts the prompt's messages in order.</summary>
    /// <returns>Who sent them, if Discord tells.</returns>
    private async Task<string?> Post(UpstreamTurn turn, DiscordPlace place, IReadOnlyList<PromptMessage> prompt, List<string> posted, CancellationToken cancellationToken)
    {
        var account = _grains.Grain<IAccountGrain>(turn.Account.Id);
        // Discord knows a message that is sent again by its nonce; another try of the turn is another message.
        var nonce = GrainKeys.Hash("nonce", turn.TurnId, turn.Attempt.ToString())[..NonceToken];
        string? senderId = null;
        using var together = place.IsAlone ? null : await _order.Enter(place.Id, turn.Account.Id, cancellationToken).ConfigureAwait(false);
        foreach (var message in prompt)
        {
            var post = new DiscordPost
            {
                ChannelId = place.Id,
                Text = message.Text,
                Nonce = $"{nonce}.{posted.Count}",
                Mentions = message.Mentions ? [turn.Bot.UpstreamBotId] : [],
                Files = message.Files,
            };
            var sent = await Post(account, post, cancellationToken).ConfigureAwait(false);
            posted.Add(sent.MessageId);
            senderId = sent.AuthorId ?? senderId;
        }
        return senderId;
    }

    private static async ValueTask<DiscordPosted> Post(IAccountGrain account, DiscordPost post, CancellationToken cancellationToken)
    {
        try
        {
            return await account.Post(post, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (IsOfTheEngine(e))
        {
            throw new ClusterException(ErrorCode.UpstreamOutcomeUnknown, "The part of the server that was posting to Discord cannot be reached: the message may have been posted.", inner: e);
        }
    }

    /// <summary>Whether a grain could not be reached, as while a node that died is still being found out.</summary>
    private static bool IsOfTheEngine(ClusterException e) => e.Code is ErrorCode.CallRejected or ErrorCode.StateConflict;

    private DiscordReply NewReply(UpstreamTurn turn, DiscordBotOptions options, bool isAlone) => new(
        new ReplyMessages(turn.Bot.UpstreamBotId, options.Recognise, isAlone),
        new ReplyPace(options.End, options.End.FirstWait ?? turn.Bot.Timeouts.FirstByte, countsTyping: isAlone, _time),
        text => CozeNotices.Match(text, _time.GetUtcNow(), options.DailyReset));

    private async Task<ListenerDefinition> FindListener(string id) => await _grains.Grain<ICatalogGrain>(GrainKeys.Catalog).FindListener(id).ConfigureAwait(false)
        ?? throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The fleet has no Discord listener '{id}'.");
}
