using System.Threading.Channels;

namespace CozeCluster.Discord;

/// <summary>
/// What the grains and the upstream need of Discord besides posting (<see cref="IDiscordPosting"/>). One instance serves a process; thread-safe. Methods wait
/// for Discord's rate limits, in the order of their calls.
/// </summary>
public interface IDiscordApi
{
    /// <summary>The most messages that <see cref="ReadAfter"/> returns.</summary>
    const int MaxMessagesPerRead = 100;

    /// <summary>The largest file that <see cref="Download"/> downloads.</summary>
    const int MaxFileBytes = 25 * 1024 * 1024;

    /// <summary>
    /// Keeps one connection to Discord's gateway until cancelled: identifies, resumes and reconnects. Returns only when Discord rejects the listener (wrong
    /// token, missing intent).
    /// </summary>
    /// <param name="listener">The listener to connect.</param>
    /// <param name="shard">The shard number, from 0.</param>
    /// <param name="events">Receives the events.</param>
    /// <param name="onHealth">Called from any thread on every change of the connection's state.</param>
    /// <param name="takeLease">Awaited before every identify; throws if another node holds the listener.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <returns>Why Discord rejected the listener.</returns>
    Task<string> Connect(
        ListenerDefinition listener,
        int shard,
        ChannelWriter<DiscordEvent> events,
        Action<DiscordSessionHealth> onHealth,
        Func<CancellationToken, Task> takeLease,
        CancellationToken cancellationToken);

    /// <summary>Deletes a message of any author. A missing message is not an error.</summary>
    Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken);

    /// <summary>Reads the messages of a channel that are newer than a given one, oldest first, at most <see cref="MaxMessagesPerRead"/>.</summary>
    Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(
        ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken);

    /// <summary>Reads one message; null if it does not exist.</summary>
    Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken);

    /// <summary>Downloads a file of a message.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.FetchFailed"/>: the address is not one of Discord's, or the file is not there, or larger than <see cref="MaxFileBytes"/>.
    /// </exception>
    Task<ReadOnlyMemory<byte>> Download(ListenerDefinition listener, string url, CancellationToken cancellationToken);

    /// <summary>Lists the server's channels, categories and active threads.</summary>
    Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken);

    /// <summary>Creates a channel, category or public thread.</summary>
    /// <param name="listener">The listener that creates it.</param>
    /// <param name="channel">What to create; the id is ignored. The topic has at most 1,024 characters.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The channel, or what prevented its creation.</returns>
    Task<ChannelCreation> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken);

    /// <summary>Renames a channel.</summary>
    Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken);

    /// <summary>Deletes a channel. A missing channel is not an error.</summary>
    Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken);
}

/// <summary>The result of an attempt to create a channel.</summary>
public enum ChannelCreationResult
{
    /// <summary>The channel was created.</summary>
    Created,

    /// <summary>The server has the maximum number of channels (500).</summary>
    ServerFull,

    /// <summary>The category has the maximum number of channels (50).</summary>
    CategoryFull,

    /// <summary>The category does not exist, or the given channel is not a category.</summary>
    CategoryMissing,
}

/// <summary>The result of an attempt to create a channel.</summary>
/// <param name="Result">Whether the channel was created, or why not.</param>
/// <param name="Channel">The channel if it was created, else null.</param>
public readonly record struct ChannelCreation(ChannelCreationResult Result, DiscordChannelInfo? Channel = null);
