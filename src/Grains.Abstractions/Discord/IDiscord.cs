using System.Threading.Channels;

namespace CozeCluster;

/// <summary>Discord as grains see it. One instance serves a process; thread-safe. Rate limits are waited for inside, in the order of the calls.</summary>
public interface IDiscord
{
    /// <summary>
    /// Keeps one gateway connection until cancelled: identifies, resumes, reconnects. Returns only when the far side will not have this listener
    /// (bad token, intents not granted), with the reason.
    /// </summary>
    /// <param name="listener">Whose connection.</param>
    /// <param name="shard">Which shard, from 0.</param>
    /// <param name="events">Where events go.</param>
    /// <param name="health">Told on every change: ready or not, and why.</param>
    /// <param name="own">Awaited before every identify; throws if somebody else holds the listener.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    Task<string> Connect(
        ListenerDefinition listener,
        int shard,
        ChannelWriter<DiscordEvent> events,
        Action<DiscordSessionHealth> health,
        Func<CancellationToken, Task> own,
        CancellationToken cancellationToken);

    /// <summary>Posts a message with an account.</summary>
    Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken);

    /// <summary>Deletes a message, whoever wrote it; one that is gone is no error.</summary>
    Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken);

    /// <summary>Reads messages of a channel newer than one, oldest first, at most 100.</summary>
    Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken);

    /// <summary>Reads one message; null if it is gone.</summary>
    Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken);

    /// <summary>The server's channels, categories and active threads.</summary>
    Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken);

    /// <summary>Makes a channel, category or public thread.</summary>
    /// <param name="listener">Who makes it.</param>
    /// <param name="channel">What to make; its id is ignored. The topic has at most 1,024 characters.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The channel, or where there is no room for it.</returns>
    Task<DiscordMade> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken);

    /// <summary>Renames a channel.</summary>
    Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken);

    /// <summary>Deletes a channel; one that is gone is no error.</summary>
    Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken);
}
