using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Discord;

/// <summary>An event that a connection to Discord's gateway gives to its reader. The order is Discord's.</summary>
internal abstract record DiscordGatewayEvent;

/// <summary>The connection's state changed.</summary>
internal sealed record DiscordGatewayStateChanged(DiscordGatewayState State) : DiscordGatewayEvent;

/// <summary>A new session began.</summary>
/// <param name="User">The bot.</param>
/// <param name="Guilds">The servers that the bot is in, on this shard.</param>
internal sealed record DiscordGatewayReady(DiscordUser User, IReadOnlyList<Snowflake> Guilds) : DiscordGatewayEvent;

/// <summary>
/// Events of any channel may have been lost since that time. The event comes when the connection is ready again: read over REST what is needed.
/// </summary>
internal sealed record DiscordGatewayEventsMissed(DateTimeOffset Since) : DiscordGatewayEvent;

/// <summary>A message was posted.</summary>
internal sealed record MessageCreated(DiscordMessage Message) : DiscordGatewayEvent;

/// <summary>A message was edited, or its links received previews. The event may contain only what changed.</summary>
internal sealed record MessageUpdated(DiscordMessage Message) : DiscordGatewayEvent;

/// <summary>Messages were deleted.</summary>
internal sealed record MessagesDeleted(Snowflake ChannelId, IReadOnlyList<Snowflake> Ids) : DiscordGatewayEvent;

/// <summary>A user began to type. Discord shows this for ten seconds, or until the user's message arrives.</summary>
internal sealed record TypingStarted(Snowflake ChannelId, Snowflake UserId) : DiscordGatewayEvent;

/// <summary>The bot was added to a server, or the server became available.</summary>
internal sealed record GuildAvailable(Snowflake GuildId) : DiscordGatewayEvent;

/// <summary>The bot was removed from a server, or the server became unavailable.</summary>
/// <param name="GuildId">The server.</param>
/// <param name="IsOutage">True: an outage of Discord; false: the bot is no longer in the server.</param>
internal sealed record GuildUnavailable(Snowflake GuildId, bool IsOutage) : DiscordGatewayEvent;

/// <summary>Reads dispatches into <see cref="DiscordGatewayEvent"/>s. Dispatches that nothing uses are not parsed.</summary>
internal static class DiscordGatewayDispatch
{
    /// <summary>Reads the data of any dispatch except READY.</summary>
    /// <returns>The event; null if this project does not use the dispatch.</returns>
    /// <exception cref="JsonException">The data is not what Discord documents.</exception>
    public static DiscordGatewayEvent? Read(DispatchType type, ReadOnlySpan<byte> data)
    {
        switch (type)
        {
            case DispatchType.MessageCreate:
                return new MessageCreated(Parse(data, DiscordJson.Default.DiscordMessage));
            case DispatchType.MessageUpdate:
                return new MessageUpdated(Parse(data, DiscordJson.Default.DiscordMessage));
            case DispatchType.MessageDelete:
            case DispatchType.MessageDeleteBulk:
                var deleted = Parse(data, DiscordJson.Default.DeletedData);
                return new MessagesDeleted(deleted.ChannelId, deleted.Ids ?? [deleted.Id]);
            case DispatchType.TypingStart:
                var typing = Parse(data, DiscordJson.Default.TypingData);
                return new TypingStarted(typing.ChannelId, typing.UserId);
            case DispatchType.GuildCreate:
                return new GuildAvailable(Parse(data, DiscordJson.Default.GuildData).Id);
            case DispatchType.GuildDelete:
                var guild = Parse(data, DiscordJson.Default.GuildData);
                return new GuildUnavailable(guild.Id, guild.Unavailable ?? false);
            default:
                return null;
        }
    }

    /// <summary>Reads the data of a READY dispatch.</summary>
    /// <exception cref="JsonException">The data is not what Discord documents.</exception>
    public static (DiscordGatewayReady Event, string SessionId, string? ResumeUrl) ReadReady(ReadOnlySpan<byte> data)
    {
        var ready = JsonSerializer.Deserialize(data, DiscordJson.Default.ReadyData);
        if (ready?.SessionId is not { Length: > 0 } session) throw new JsonException("READY has no session id.");
        var guilds = (ready.Guilds ?? []).OfType<GuildData>().Select(guild => guild.Id);
        return (new DiscordGatewayReady(ready.User ?? new DiscordUser(), [.. guilds]), session, ready.ResumeGatewayUrl);
    }

    private static T Parse<T>(ReadOnlySpan<byte> data, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(data, type) ?? throw new JsonException("The dispatch has no data.");
}

/// <summary>Data of READY.</summary>
internal sealed record ReadyData(string? SessionId, string? ResumeGatewayUrl, DiscordUser? User, IReadOnlyList<GuildData>? Guilds);

/// <summary>A server in READY, GUILD_CREATE and GUILD_DELETE.</summary>
internal sealed record GuildData(Snowflake Id, bool? Unavailable);

/// <summary>Data of MESSAGE_DELETE and MESSAGE_DELETE_BULK.</summary>
internal sealed record DeletedData(Snowflake Id, IReadOnlyList<Snowflake>? Ids, Snowflake ChannelId);

/// <summary>Data of TYPING_START.</summary>
internal sealed record TypingData(Snowflake ChannelId, Snowflake UserId);
