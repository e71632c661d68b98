using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Discord's REST API v10 with one token, as far as this house needs it. Every call waits for the token's limits within its <see cref="DiscordRestOptions.MaxWait"/>, and ends in a
/// <see cref="ClusterException"/> if it does not succeed; <see cref="DiscordRefusal.CodeOf"/> tells refusals apart. One instance per token and process: it holds what was learnt about
/// the token's limits. Thread-safe.
/// </summary>
internal sealed partial class DiscordRest : IDisposable
{
    private readonly DiscordSender _sender;

    /// <summary>A client for one token.</summary>
    /// <param name="http">Connections, through the token's proxy; not disposed of.</param>
    /// <param name="options">Whose token, and how to send it.</param>
    /// <param name="guard">Shared by all that use the same address.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="ClusterException">Token, user agent or base URL cannot be used.</exception>
    public DiscordRest(HttpMessageInvoker http, DiscordRestOptions options, InvalidRequestGuard guard, TimeProvider time, ILogger logger)
    {
        Options = options;
        _sender = new DiscordSender(new DiscordHttp(http, options, time, logger), options, guard, time, logger);
    }

    /// <summary>Whose token, and how it is sent.</summary>
    public DiscordRestOptions Options { get; }

    /// <summary>Where the gateway is and how often this bot may still identify. Bots only.</summary>
    public Task<GatewayBot> GetGatewayBot(CancellationToken cancellationToken) =>
        Read(new Route(HttpMethod.Get, "/gateway/bot", "/gateway/bot"), DiscordJson.Default.GatewayBot, cancellationToken);

    /// <summary>Who the token belongs to.</summary>
    public Task<DiscordUser> GetCurrentUser(CancellationToken cancellationToken) =>
        Read(new Route(HttpMethod.Get, "/users/@me", "/users/@me"), DiscordJson.Default.DiscordUser, cancellationToken);

    /// <summary>A server.</summary>
    public Task<DiscordGuild> GetGuild(Snowflake guild, CancellationToken cancellationToken) =>
        Read(new Route(HttpMethod.Get, "/guilds/{guild}", $"/guilds/{guild}", guild), DiscordJson.Default.DiscordGuild, cancellationToken);

    /// <summary>All channels and categories of a server; no threads.</summary>
    public Task<IReadOnlyList<DiscordChannel>> GetGuildChannels(Snowflake guild, CancellationToken cancellationToken) =>
        Read(new Route(HttpMethod.Get, "/guilds/{guild}/channels", $"/guilds/{guild}/channels", guild), DiscordJson.Default.IReadOnlyListDiscordChannel, cancellationToken);

    /// <summary>All threads of a server that are not archived and that this token may see.</summary>
    public async Task<IReadOnlyList<DiscordChannel>> GetActiveThreads(Snowflake guild, CancellationToken cancellationToken)
    {
        var route = new Route(HttpMethod.Get, "/guilds/{guild}/threads/active", $"/guilds/{guild}/threads/active", guild);
        return (await Read(route, DiscordJson.Default.ActiveThreads, cancellationToken).ConfigureAwait(false)).Threads;
    }

    /// <summary>A channel, category or thread.</summary>
    public Task<DiscordChannel> GetChannel(Snowflake channel, CancellationToken cancellationToken) =>
        Read(ChannelRoute(HttpMethod.Get, channel), DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>
    /// Makes a channel or category. Never sent twice: if the connection breaks (<see cref="ErrorCode.UpstreamUnavailable"/>), the channel may be there.
    /// </summary>
    /// <exception cref="ClusterException"><see cref="DiscordRefusal.IsGuildFull"/>: 500 are there already.</exception>
    public Task<DiscordChannel> CreateChannel(Snowflake guild, NewChannel channel, CancellationToken cancellationToken) => Send(
        new Route(HttpMethod.Post, "/guilds/{guild}/channels", $"/guilds/{guild}/channels", guild), Resend.Never,
        channel, DiscordJson.Default.NewChannel, DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>Changes a channel or thread.</summary>
    public Task<DiscordChannel> ModifyChannel(Snowflake channel, ChannelChange change, CancellationToken cancellationToken) => Send(
        ChannelRoute(HttpMethod.Patch, channel), Resend.Always, change, DiscordJson.Default.ChannelChange, DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>Deletes a channel, category (its channels stay) or thread. There is no way back.</summary>
    /// <returns>False if it was gone already.</returns>
    public Task<bool> DeleteChannel(Snowflake channel, CancellationToken cancellationToken) => Delete(ChannelRoute(HttpMethod.Delete, channel), cancellationToken);

    /// <summary>Makes a public thread without a message to start from. Never sent twice, as <see cref="CreateChannel"/>.</summary>
    public Task<DiscordChannel> CreateThread(Snowflake channel, NewThread thread, CancellationToken cancellationToken) => Send(
        new Route(HttpMethod.Post, "/channels/{channel}/threads", $"/channels/{channel}/threads", channel), Resend.Never,
        thread with { Type = thread.Type ?? DiscordChannelType.PublicThread }, DiscordJson.Default.NewThread, DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>Makes the thread of a message; its id is the message's. If there is one already, that one is returned.</summary>
    public async Task<DiscordChannel> CreateThread(Snowflake channel, Snowflake message, NewThread thread, CancellationToken cancellationToken)
    {
        var route = new Route(HttpMethod.Post, "/channels/{channel}/messages/{message}/threads", $"/channels/{channel}/messages/{message}/threads", channel);
        try
        {
            return await Send(route, Resend.Always, thread with { Type = null }, DiscordJson.Default.NewThread, DiscordJson.Default.DiscordChannel, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (ClusterException e) when (DiscordRefusal.CodeOf(e) == DiscordErrors.ThreadExists)
        {
            return await GetChannel(message, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _sender.Dispose();

    private static Route ChannelRoute(HttpMethod method, Snowflake channel) => new(method, "/channels/{channel}", $"/channels/{channel}", channel);

    private async Task<T> Read<T>(Route route, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        Parse(await _sender.Send(new DiscordCall(route, Resend.Always), cancellationToken).ConfigureAwait(false), type);

    private async Task<TAnswer> Send<TBody, TAnswer>(
        Route route, Resend resend, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        var utf8 = JsonSerializer.SerializeToUtf8Bytes(body, bodyType);
        var call = new DiscordCall(route, resend) { Body = _ => ValueTask.FromResult(MessageBody.Json(utf8)) };
        return Parse(await _sender.Send(call, cancellationToken).ConfigureAwait(false), answerType);
    }

    private async Task<bool> Delete(Route route, CancellationToken cancellationToken)
    {
        try
        {
            await _sender.Send(new DiscordCall(route, Resend.Always), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ClusterException e) when (DiscordRefusal.CodeOf(e) is 10003 or 10008)
        {
            return false;
        }
    }

    private static T Parse<T>(byte[] utf8, JsonTypeInfo<T> type)
    {
        try
        {
            if (JsonSerializer.Deserialize(utf8, type) is { } answer) return answer;
        }
        catch (JsonException e)
        {
            throw new ClusterException(ErrorCode.UpstreamProtocol, "Discord answered what its protocol does not have: check the base_url.", inner: e);
        }
        throw new ClusterException(ErrorCode.UpstreamProtocol, "Discord answered nothing where its protocol has something.");
    }
}
