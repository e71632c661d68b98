namespace CozeCluster.Discord;

// Messages of a channel or thread.
internal sealed partial class DiscordRest
{
    /// <summary>
    /// Posts a message. Messages to one channel arrive in the order of these calls. Retries carry the same nonce, so that one call posts one message; later
    /// calls with the same nonce post no further message for some minutes.
    /// </summary>
    /// <param name="channel">Channel or thread.</param>
    /// <param name="message">The message.</param>
    /// <param name="maxWait">
    /// Overrides <see cref="DiscordRestOptions.MaxWait"/>; null: that value. A short wait is better where another account can post instead.
    /// </param>
    /// <param name="cancellationToken">Stops waiting; a request that is under way may still be posted.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamOutcomeUnknown"/>: the message may have been posted. <see cref="ErrorCode.UpstreamRateLimited"/>: it was not posted;
    /// <see cref="ClusterException.Until"/> says when it could be.
    /// </exception>
    public async Task<DiscordMessage> CreateMessage(Snowflake channel, NewMessage message, TimeSpan? maxWait, CancellationToken cancellationToken)
    {
        var prepared = MessageBody.Prepare(message);
        var request = new DiscordRequest(CreateRoute(channel), Resend.ByNonce) { Body = token => MessageBody.Create(prepared, token), MaxWait = maxWait };
        return Parse(await _sender.Send(request, cancellationToken).ConfigureAwait(false), DiscordJson.Default.DiscordMessage);
    }

    /// <summary>When a message to the channel could be sent, as far as is known; a time that is not in the future means at once.</summary>
    public DateTimeOffset CanSendAt(Snowflake channel) => _sender.Limits.AvailableAt(CreateRoute(channel));

    /// <summary>Gets a message.</summary>
    public Task<DiscordMessage> GetMessage(Snowflake channel, Snowflake message, CancellationToken cancellationToken) =>
        Get(MessageRoute(HttpMethod.Get, channel, message), DiscordJson.Default.DiscordMessage, cancellationToken);

    /// <summary>Gets messages of a channel, newest first.</summary>
    /// <param name="channel">Channel or thread.</param>
    /// <param name="limit">1 to 100.</param>
    /// <param name="before">Only older messages.</param>
    /// <param name="after">Only newer messages, beginning with those that follow it. Not together with <paramref name="before"/>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<IReadOnlyList<DiscordMessage>> GetMessages(
        Snowflake channel, int limit = 50, Snowflake? before = null, Snowflake? after = null, CancellationToken cancellationToken = default)
    {
        var query = before is { } upper ? $"&before={upper}" : after is { } lower ? $"&after={lower}" : "";
        var route = new Route(HttpMethod.Get, "/channels/{channel}/messages", $"/channels/{channel}/messages?limit={limit}{query}", channel);
        return Get(route, DiscordJson.Default.IReadOnlyListDiscordMessage, cancellationToken);
    }

    /// <summary>Deletes a message.</summary>
    /// <returns>False if the message or its channel did not exist.</returns>
    public Task<bool> DeleteMessage(Snowflake channel, Snowflake message, CancellationToken cancellationToken) =>
        Delete(MessageRoute(HttpMethod.Delete, channel, message), cancellationToken);

    private static Route CreateRoute(Snowflake channel) =>
        new(HttpMethod.Post, "/channels/{channel}/messages", $"/channels/{channel}/messages", channel) { IsOrdered = true };

    private static Route MessageRoute(HttpMethod method, Snowflake channel, Snowflake message) =>
        new(method, "/channels/{channel}/messages/{message}", $"/channels/{channel}/messages/{message}", channel);
}
