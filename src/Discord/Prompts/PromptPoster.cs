using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace CozeCluster.Discord;

/// <summary>
/// Posts the messages of prompts, through account grains. If an account has several turns in one shared channel, their prompts are posted one after another:
/// the bot treats what the account wrote before a mention as part of the prompt. This order holds within a process only; nodes that share an account and a
/// channel can still mix prompts. Thread-safe.
/// </summary>
internal sealed class PromptPoster(IGrainFactory grains)
{
    private const int NonceLength = 20;

    // One for each account in each shared channel. These are few, so they are never removed.
    private readonly ConcurrentDictionary<(string ChannelId, string AccountId), SemaphoreSlim> _semaphores = new();

    /// <summary>Posts the messages in order.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="channel">Where to post.</param>
    /// <param name="prompt">The messages.</param>
    /// <param name="posted">Receives the snowflake of each message that was posted, also if a later one fails.</param>
    /// <param name="cancellationToken">Stops posting.</param>
    /// <returns>Snowflake of the user who posted them; null if Discord did not include it.</returns>
    /// <exception cref="ClusterException">A message could not be posted.</exception>
    /// <exception cref="PromptNotSentException">The call was cancelled before the first message was posted.</exception>
    public async ValueTask<string?> Post(
        UpstreamTurn turn, TurnChannel channel, IReadOnlyList<PromptMessage> prompt, List<string> posted, CancellationToken cancellationToken)
    {
        if (channel.IsExclusive)
        {
            ThrowIfCancelled(cancellationToken);
            return await PostAll(turn, channel, prompt, posted, cancellationToken).ConfigureAwait(false);
        }
        var semaphore = _semaphores.GetOrAdd((channel.Id, turn.Account.Id), static _ => new SemaphoreSlim(1));
        try
        {
            await semaphore.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new PromptNotSentException(cancelled);
        }
        try
        {
            ThrowIfCancelled(cancellationToken);
            return await PostAll(turn, channel, prompt, posted, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            semaphore.Release();
        }
    }

    private static void ThrowIfCancelled(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) throw new PromptNotSentException(new OperationCanceledException(cancellationToken));
    }

    private async ValueTask<string?> PostAll(
        UpstreamTurn turn, TurnChannel channel, IReadOnlyList<PromptMessage> prompt, List<string> posted, CancellationToken cancellationToken)
    {
        var account = grains.Grain<IAccountGrain>(turn.Account.Id);
        // By the nonce, Discord recognizes a message that is sent again. A retry of the turn posts new messages, also if the turn begins with its first attempt
        // again on another node, so the nonce is not derived from the turn.
        var nonce = RandomNumberGenerator.GetHexString(NonceLength, lowercase: true);
        string? senderId = null;
        foreach (var message in prompt)
        {
            var post = new DiscordPost
            {
                ChannelId = channel.Id,
                Text = message.Text,
                Nonce = $"{nonce}.{posted.Count}",
                Mentions = message.MentionsBot ? [turn.Bot.UpstreamBotId] : [],
                Files = message.Files,
            };
            var result = await Post(account, post, cancellationToken).ConfigureAwait(false);
            posted.Add(result.MessageId);
            senderId = result.AuthorId ?? senderId;
        }
        return senderId;
    }

    private static async ValueTask<DiscordPosted> Post(IAccountGrain account, DiscordPost post, CancellationToken cancellationToken)
    {
        try
        {
            return await account.Post(post, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (DiscordUpstream.IsGrainUnreachable(e))
        {
            throw new ClusterException(
                ErrorCode.UpstreamOutcomeUnknown, "The node that was posting to Discord did not answer. The message may have been posted.", inner: e);
        }
    }
}
