namespace CozeCluster.Discord;

// Messages of a channel or thread.
internal sealed partial class DiscordRest
{
    /// <summary>
    /// Sends a message. Messages to one channel arrive in the order of these calls. Retries carry the same nonce, so that one call posts one message; so do later calls with the same
    /// nonce, for some minutes.
    /// </summary>
    /// <param name="channel">Channel or thread.</param>
    /// <param name="message">The message.</param>
    /// <param name="maxWait">See <see cref="DiscordRestOptions.MaxWait"/>; null: as there. With other accounts at hand a short one is better.</param>
    /// <param name="cancellationToken">Gives up; what is under way may still be posted.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamOutcomeUnknown"/>: it may have been posted. <see cref="ErrorCode.UpstreamRateLimited"/>: it was not, and when it could be.
    /// </exception>
    public Task<DiscordMessage> CreateMessage(Snowflake channel, NewMessage message, TimeSpan? maxWait, CancellationToken cancellationToken)
    {
        var prepared = MessageBody.Prepare(message);
        return Post(new DiscordCall(CreateRoute(channel), Resend.ByNonce) { Body = token => MessageBody.Of(prepared, token), MaxWait = maxWait }, cancellationToken);
    }

    /// <summary>When a message to the channel could be sent, as far as is known; now or earlier: at once.</summary>
    public DateTimeOffset CanSendAt(Snowflake channel) => _sender.Limits.FreeAt(CreateRoute(channel));

    /// <summary>A message.</summary>
    public Task<DiscordMessage> GetMessage(Snowflake channel, Snowflake message, CancellationToken cancellationToken) =>
        Read(MessageRoute(HttpMethod.Get, channel, message), DiscordJson.Default.DiscordMessage, cancellationToken);

    /// <summary>Messages of a channel, newest first.</summary>
    /// <param name="channel">Channel or thread.</param>
    /// <param name="limit">1 to 100.</param>
    /// <param name="before">Only older ones.</param>
    /// <param name="after">Only newer ones; the page starts with those closest to it. Not together with <paramref name="before"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<IReadOnlyList<DiscordMessage>> GetMessages(
        Snowflake channel, int limit = 50, Snowflake? before = null, Snowflake? after = null, CancellationToken cancellationToken = default)
    {
        var query = before is { } upper ? $"&before={upper}" : after is { } lower ? $"&after={lower}" : "";
        var route = new Route(HttpMethod.Get, "/channels/{channel}/messages", $"/channels/{channel}/messages?limit={limit}{query}", channel);
        return Read(route, DiscordJson.Default.IReadOnlyListDiscordMessage, cancellationToken);
    }

    /// <summary>Changes an own message.</summary>
    public Task<DiscordMessage> EditMessage(Snowflake channel, Snowflake message, MessageChange change, CancellationToken cancellationToken) => Send(
        MessageRoute(HttpMethod.Patch, channel, message), Resend.Always, change, DiscordJson.Default.MessageChange, DiscordJson.Default.DiscordMessage, cancellationToken);

    /// <summary>Deletes a message.</summary>
    /// <returns>False if it, or its channel, was gone already.</returns>
    public Task<bool> DeleteMessage(Snowflake channel, Snowflake message, CancellationToken cancellationToken) =>
        Delete(MessageRoute(HttpMethod.Delete, channel, message), cancellationToken);

    /// <summary>Shows "typing" for ten seconds, or until a message is sent.</summary>
    public async Task ShowTyping(Snowflake channel, CancellationToken cancellationToken)
    {
        var route = new Route(HttpMethod.Post, "/channels/{channel}/typing", $"/channels/{channel}/typing", channel);
        await _sender.Send(new DiscordCall(route, Resend.Always), cancellationToken).ConfigureAwait(false);
    }

    private async Task<DiscordMessage> Post(DiscordCall call, CancellationToken cancellationToken) =>
        Parse(await _sender.Send(call, cancellationToken).ConfigureAwait(false), DiscordJson.Default.DiscordMessage);

    private static Route CreateRoute(Snowflake channel) =>
        new(HttpMethod.Post, "/channels/{channel}/messages", $"/channels/{channel}/messages", channel) { IsOrdered = true };

    private static Route MessageRoute(HttpMethod method, Snowflake channel, Snowflake message) =>
        new(method, "/channels/{channel}/messages/{message}", $"/channels/{channel}/messages/{message}", channel);
}
