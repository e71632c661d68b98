using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// The part of Discord's REST API v10 that this project uses, with one token. Every method waits for the token's rate limits, up to
/// <see cref="DiscordRestOptions.MaxWait"/>, and throws a <see cref="ClusterException"/> if it does not succeed; <see cref="DiscordErrorException.CodeOf"/>
/// gives Discord's error code. There is one instance per token and process, because it remembers the token's limits. Thread-safe.
/// </summary>
internal sealed partial class DiscordRest : IDisposable
{
    private readonly DiscordSender _sender;
    private readonly DiscordFiles _files;

    /// <summary>Creates a client for one token.</summary>
    /// <param name="http">Connections, through the token's proxy; not disposed with this object.</param>
    /// <param name="options">The token, and how it is sent.</param>
    /// <param name="guard">Shared by all clients of the same address.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="ClusterException">The token, the user agent or the base URL is not valid.</exception>
    public DiscordRest(HttpMessageInvoker http, DiscordRestOptions options, InvalidRequestGuard guard, TimeProvider time, ILogger logger)
    {
        Options = options;
        _files = new DiscordFiles(http, options, time);
        _sender = new DiscordSender(new DiscordHttp(http, options, time, logger), options, guard, time, logger);
    }

    /// <summary>The token, and how it is sent.</summary>
    public DiscordRestOptions Options { get; }

    /// <summary>Gets the address of Discord's gateway and how often this bot may still identify. For bots only.</summary>
    public Task<DiscordGatewayBot> GetGatewayBot(CancellationToken cancellationToken) =>
        Get(new Route(HttpMethod.Get, "/gateway/bot", "/gateway/bot"), DiscordJson.Default.DiscordGatewayBot, cancellationToken);

    /// <summary>Gets the token's owner.</summary>
    public Task<DiscordUser> GetCurrentUser(CancellationToken cancellationToken) =>
        Get(new Route(HttpMethod.Get, "/users/@me", "/users/@me"), DiscordJson.Default.DiscordUser, cancellationToken);

    /// <summary>Gets what this token may do in a server, without exceptions for single channels; null if its owner is not a member.</summary>
    public async Task<DiscordPermissions?> GetOwnPermissions(Snowflake guild, CancellationToken cancellationToken)
    {
        // A page of one server that begins with the wanted one, because the owner may be a member of very many.
        var route = new Route(HttpMethod.Get, "/users/@me/guilds", $"/users/@me/guilds?limit=1&after={guild.Value - 1}");
        var guilds = await Get(route, DiscordJson.Default.IReadOnlyListOwnGuild, cancellationToken).ConfigureAwait(false);
        return guilds.FirstOrDefault(own => own.Id == guild)?.Granted;
    }

    /// <summary>Gets the application of this bot. For bots only.</summary>
    public Task<DiscordApplication> GetOwnApplication(CancellationToken cancellationToken) =>
        Get(new Route(HttpMethod.Get, "/applications/@me", "/applications/@me"), DiscordJson.Default.DiscordApplication, cancellationToken);

    /// <summary>Gets a member of a server; null if the user is none.</summary>
    public async Task<DiscordMember?> GetMember(Snowflake guild, Snowflake user, CancellationToken cancellationToken)
    {
        var route = new Route(HttpMethod.Get, "/guilds/{guild}/members/{user}", $"/guilds/{guild}/members/{user}", guild);
        try
        {
            return await Get(route, DiscordJson.Default.DiscordMember, cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (DiscordErrorException.CodeOf(e) is DiscordErrorException.UnknownMember or DiscordErrorException.UnknownUser)
        {
            return null;
        }
    }

    /// <summary>Gets a server.</summary>
    public Task<DiscordGuild> GetGuild(Snowflake guild, CancellationToken cancellationToken) =>
        Get(new Route(HttpMethod.Get, "/guilds/{guild}", $"/guilds/{guild}", guild), DiscordJson.Default.DiscordGuild, cancellationToken);

    /// <summary>Gets all channels and categories of a server, without threads.</summary>
    public Task<IReadOnlyList<DiscordChannel>> GetGuildChannels(Snowflake guild, CancellationToken cancellationToken) => Get(
        new Route(HttpMethod.Get, "/guilds/{guild}/channels", $"/guilds/{guild}/channels", guild),
        DiscordJson.Default.IReadOnlyListDiscordChannel,
        cancellationToken);

    /// <summary>Gets all threads of a server that are not archived and that this token may see.</summary>
    public async Task<IReadOnlyList<DiscordChannel>> GetActiveThreads(Snowflake guild, CancellationToken cancellationToken)
    {
        var route = new Route(HttpMethod.Get, "/guilds/{guild}/threads/active", $"/guilds/{guild}/threads/active", guild);
        return (await Get(route, DiscordJson.Default.ActiveThreads, cancellationToken).ConfigureAwait(false)).Threads;
    }

    /// <summary>Gets a channel, category or thread.</summary>
    public Task<DiscordChannel> GetChannel(Snowflake channel, CancellationToken cancellationToken) =>
        Get(ChannelRoute(HttpMethod.Get, channel), DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>
    /// Creates a channel or category. The request is never sent twice: if the connection breaks (<see cref="ErrorCode.UpstreamUnavailable"/>), the channel may
    /// exist.
    /// </summary>
    /// <exception cref="ClusterException"><see cref="DiscordErrorException.IsGuildFull"/>: the server has 500 channels.</exception>
    public Task<DiscordChannel> CreateChannel(Snowflake guild, NewChannel channel, CancellationToken cancellationToken) => Send(
        new Route(HttpMethod.Post, "/guilds/{guild}/channels", $"/guilds/{guild}/channels", guild), Resend.Never,
        channel, DiscordJson.Default.NewChannel, DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>Changes a channel or thread.</summary>
    public Task<DiscordChannel> ModifyChannel(Snowflake channel, ChannelChange change, CancellationToken cancellationToken) => Send(
        ChannelRoute(HttpMethod.Patch, channel), Resend.Always,
        change, DiscordJson.Default.ChannelChange, DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <summary>Deletes a channel, a category (its channels stay) or a thread. This cannot be undone.</summary>
    /// <returns>False if it did not exist.</returns>
    public Task<bool> DeleteChannel(Snowflake channel, CancellationToken cancellationToken) =>
        Delete(ChannelRoute(HttpMethod.Delete, channel), cancellationToken);

    /// <summary>Creates a public thread. The request is never sent twice, as with <see cref="CreateChannel"/>.</summary>
    public Task<DiscordChannel> CreateThread(Snowflake channel, NewThread thread, CancellationToken cancellationToken) => Send(
        new Route(HttpMethod.Post, "/channels/{channel}/threads", $"/channels/{channel}/threads", channel), Resend.Never,
        thread, DiscordJson.Default.NewThread, DiscordJson.Default.DiscordChannel, cancellationToken);

    /// <inheritdoc cref="IDiscordApi.Download"/>
    public Task<ReadOnlyMemory<byte>> Download(string url, CancellationToken cancellationToken) => _files.Download(url, cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _sender.Dispose();

    private static Route ChannelRoute(HttpMethod method, Snowflake channel) => new(method, "/channels/{channel}", $"/channels/{channel}", channel);

    private async Task<T> Get<T>(Route route, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        Parse(await _sender.Send(new DiscordRequest(route, Resend.Always), cancellationToken).ConfigureAwait(false), type);

    private async Task<TResponse> Send<TBody, TResponse>(
        Route route, Resend resend, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResponse> responseType, CancellationToken cancellationToken)
    {
        var utf8 = JsonSerializer.SerializeToUtf8Bytes(body, bodyType);
        var request = new DiscordRequest(route, resend) { Body = _ => ValueTask.FromResult(MessageBody.Json(utf8)) };
        return Parse(await _sender.Send(request, cancellationToken).ConfigureAwait(false), responseType);
    }

    private async Task<bool> Delete(Route route, CancellationToken cancellationToken)
    {
        try
        {
            await _sender.Send(new DiscordRequest(route, Resend.Always), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ClusterException e) when (DiscordErrorException.CodeOf(e) is DiscordErrorException.UnknownChannel or DiscordErrorException.UnknownMessage)
        {
            return false;
        }
    }

    private static T Parse<T>(byte[] utf8, JsonTypeInfo<T> type)
    {
        try
        {
            if (JsonSerializer.Deserialize(utf8, type) is { } response) return response;
        }
        catch (JsonException e)
        {
            throw new ClusterException(ErrorCode.UpstreamProtocol, "Discord's response is not what its API documents: check the base_url.", inner: e);
        }
        throw new ClusterException(ErrorCode.UpstreamProtocol, "Discord's response is empty, but its API documents a content.");
    }
}
