using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>Discord over REST (<see cref="DiscordRest"/>) and connections to Discord's gateway (<see cref="DiscordGateway"/>).</summary>
internal sealed class DiscordApi : IDiscordApi, IDiscordPosting, IDisposable
{
    // Discord archives a thread after a day without a message. Threads are deleted long before.
    private const int ThreadArchiveMinutes = 1_440;

    // A post that would have to wait longer fails at once, so that another account can post sooner.
    private static readonly TimeSpan MaxPostWait = TimeSpan.FromSeconds(20);

    private readonly DiscordClients _clients;
    private readonly IBlobStore _blobs;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public DiscordApi(ISecretSeal seal, IBlobStore blobs, TimeProvider time, ILogger<DiscordApi> logger)
    {
        _clients = new DiscordClients(seal, time, logger);
        _blobs = blobs;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public async Task<string> Connect(
        ListenerDefinition listener,
        int shard,
        ChannelWriter<DiscordEvent> events,
        Action<DiscordSessionHealth> onHealth,
        Func<CancellationToken, Task> takeLease,
        CancellationToken cancellationToken)
    {
        DiscordClient client;
        try
        {
            client = _clients.Of(listener);
        }
        catch (ClusterException e)
        {
            return e.Message;
        }
        var connection = new ListenerConnection(listener, shard, client, events, onHealth, takeLease, _time, _logger);
        // The caller is a grain. The connection must not run on the grain's scheduler.
        return await Task.Run(() => connection.Run(cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken)
    {
        var message = new NewMessage
        {
            Content = post.Text,
            Nonce = post.Nonce,
            AllowedMentions = AllowedMentions.Only([.. post.Mentions.Select(Snowflake.Parse)]),
            Files = [.. post.Files.Select(file => new DiscordFile(file.Name, file.ContentType, file.Size, token => _blobs.Open(file, token)))],
        };
        var posted = await _clients.Of(account).Rest.CreateMessage(Snowflake.Parse(post.ChannelId), message, MaxPostWait, cancellationToken)
            .ConfigureAwait(false);
        return new DiscordPosted(posted.Id.ToString(), posted.ChannelId.ToString(), posted.Author?.Id.ToString());
    }

    /// <inheritdoc />
    public int? DailyLimit(AccountDefinition account) => DiscordAccountOptions.Of(account).DailyPosts;

    /// <inheritdoc />
    public async Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        await _clients.Of(listener).Rest.DeleteMessage(Snowflake.Parse(channelId), Snowflake.Parse(messageId), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(
        ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken)
    {
        var (channel, after) = (Snowflake.Parse(channelId), Snowflake.Parse(afterMessageId));
        var messages = await _clients.Of(listener).Rest
            .GetMessages(channel, IDiscordApi.MaxMessagesPerRead, after: after, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        return [.. messages.OrderBy(message => message.Id).Select(MessageContent.ToEvent)];
    }

    /// <inheritdoc />
    public async Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken)
    {
        var rest = _clients.Of(listener).Rest;
        try
        {
            return MessageContent.ToEvent(
                await rest.GetMessage(Snowflake.Parse(channelId), Snowflake.Parse(messageId), cancellationToken).ConfigureAwait(false));
        }
        catch (ClusterException e) when (DiscordErrorException.CodeOf(e) is DiscordErrorException.UnknownChannel or DiscordErrorException.UnknownMessage)
        {
            return null;
        }
    }

    /// <inheritdoc />
    public Task<ReadOnlyMemory<byte>> Download(ListenerDefinition listener, string url, CancellationToken cancellationToken) =>
        _clients.Of(listener).Rest.Download(url, cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken)
    {
        var rest = _clients.Of(listener).Rest;
        var guild = Snowflake.Parse(listener.GuildId);
        var channels = await rest.GetGuildChannels(guild, cancellationToken).ConfigureAwait(false);
        var threads = await rest.GetActiveThreads(guild, cancellationToken).ConfigureAwait(false);
        return [.. channels.Concat(threads).Select(InfoOf)];
    }

    /// <inheritdoc />
    public async Task<ChannelCreation> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken)
    {
        var rest = _clients.Of(listener).Rest;
        Snowflake? parent = channel.ParentId is { } id ? Snowflake.Parse(id) : null;
        if (channel.Kind == (int)DiscordChannelType.PublicThread)
        {
            var threadParent = parent ?? throw new ArgumentException("A thread needs a parent channel.", nameof(channel));
            var newThread = new NewThread(channel.Name, channel.ArchiveMinutes ?? ThreadArchiveMinutes);
            var thread = await rest.CreateThread(threadParent, newThread, cancellationToken).ConfigureAwait(false);
            return new ChannelCreation(ChannelCreationResult.Created, InfoOf(thread));
        }
        var wanted = new NewChannel(channel.Name, (DiscordChannelType)channel.Kind) { ParentId = parent, Topic = channel.Topic };
        var guild = Snowflake.Parse(listener.GuildId);
        try
        {
            var created = await rest.CreateChannel(guild, wanted, cancellationToken).ConfigureAwait(false);
            return new ChannelCreation(ChannelCreationResult.Created, InfoOf(created));
        }
        catch (ClusterException e) when (DiscordErrorException.IsGuildFull(e))
        {
            return new ChannelCreation(ChannelCreationResult.ServerFull);
        }
        catch (ClusterException e) when (parent is not null && DiscordErrorException.IsParentRejected(e))
        {
            return new ChannelCreation(DiscordErrorException.IsCategoryFull(e) ? ChannelCreationResult.CategoryFull : ChannelCreationResult.CategoryMissing);
        }
    }

    /// <inheritdoc />
    public async Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken) =>
        await _clients.Of(listener).Rest.ModifyChannel(Snowflake.Parse(channelId), new ChannelChange { Name = name }, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken) =>
        await _clients.Of(listener).Rest.DeleteChannel(Snowflake.Parse(channelId), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public void Dispose() => _clients.Dispose();

    private static DiscordChannelInfo InfoOf(DiscordChannel channel)
    {
        var parent = channel.ParentId is { IsNone: false } id ? id.ToString() : null;
        return new DiscordChannelInfo(channel.Id.ToString(), channel.Name ?? "", parent, (int)channel.Type, channel.Topic);
    }
}
