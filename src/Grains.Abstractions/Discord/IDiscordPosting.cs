namespace CozeCluster;

/// <summary>How account grains post to Discord. One instance serves a process; thread-safe.</summary>
public interface IDiscordPosting
{
    /// <summary>
    /// The response timeout of grain calls that wait for Discord: five minutes, as Orleans' attributes write it. Such a call may wait for rate limits, upload a
    /// large file, or queue behind others that do. With Orleans' default of 30 s, the caller would give up on a message that is posted afterwards.
    /// </summary>
    const string CallTimeout = "00:05:00";

    /// <summary>Posts a message with an account. Waits for the account's rate limits.</summary>
    /// <returns>The posted message.</returns>
    /// <exception cref="ClusterException">Discord refused the message, or could not be reached.</exception>
    Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken);

    /// <summary>How many messages an account may post from midnight to midnight UTC; null: any number.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamInvalidRequest"/>: the account's options are wrong.</exception>
    int? DailyLimit(AccountDefinition account);
}
