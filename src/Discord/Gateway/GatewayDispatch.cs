using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Discord;

/// <summary>Turns dispatches into <see cref="GatewayEvent"/>s. What nobody here needs is not parsed.</summary>
internal static class GatewayDispatch
{
    // Application flags for message content: for big bots, and for those in fewer than a hundred servers.
    private const long MayReadContent = (1 << 18) | (1 << 19);

    /// <summary>The event; null if it is none that anybody reads.</summary>
    /// <param name="type">The event's name.</param>
    /// <param name="data">Its data.</param>
    /// <exception cref="JsonException">It is not what Discord documents.</exception>
    public static GatewayEvent? Read(DispatchType type, ReadOnlySpan<byte> data)
    {
        switch (type)
        {
            case DispatchType.MessageCreate:
                return new MessageCreated(Data(data, DiscordJson.Default.DiscordMessage));
            case DispatchType.MessageUpdate:
                return new MessageUpdated(Data(data, DiscordJson.Default.DiscordMessage));
            case DispatchType.MessageDelete:
            case DispatchType.MessageDeleteBulk:
                var deleted = Data(data, DiscordJson.Default.DeletedData);
                return new MessagesDeleted(deleted.ChannelId, deleted.Ids ?? [deleted.Id]);
            case DispatchType.TypingStart:
                var typing = Data(data, DiscordJson.Default.TypingData);
                return new TypingStarted(typing.ChannelId, typing.UserId);
            case DispatchType.ChannelCreate:
            case DispatchType.ThreadCreate:
                return new ChannelCreated(Data(data, DiscordJson.Default.DiscordChannel));
            case DispatchType.ChannelDelete:
            case DispatchType.ThreadDelete:
                return new ChannelDeleted(Data(data, DiscordJson.Default.DiscordChannel));
            case DispatchType.GuildCreate:
                return new GuildAvailable(Data(data, DiscordJson.Default.GuildData).Id);
            case DispatchType.GuildDelete:
                var gone = Data(data, DiscordJson.Default.GuildData);
                return new GuildGone(gone.Id, gone.Unavailable ?? false);
            default:
                return null;
        }
    }

    /// <summary>The data of a READY.</summary>
    /// <exception cref="JsonException">It is not what Discord documents.</exception>
    public static (GatewayReady Event, string SessionId, string? ResumeUrl) ReadReady(ReadOnlySpan<byte> data)
    {
        var ready = JsonSerializer.Deserialize(data, DiscordJson.Default.ReadyData);
        if (ready?.SessionId is not { Length: > 0 } session) throw new JsonException("READY names no session.");
        bool? canRead = ready.Application?.Flags is { } flags ? (flags & MayReadContent) != 0 : null;
        return (new GatewayReady(ready.User ?? new DiscordUser(), [.. (ready.Guilds ?? []).OfType<GuildData>().Select(guild => guild.Id)], canRead), session, ready.ResumeGatewayUrl);
    }

    private static T Data<T>(ReadOnlySpan<byte> data, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(data, type) ?? throw new JsonException("The event has no data.");
}

/// <summary>Data of READY.</summary>
internal sealed record ReadyData(string? SessionId, string? ResumeGatewayUrl, DiscordUser? User, IReadOnlyList<GuildData>? Guilds, ApplicationData? Application);

/// <summary>A server in READY, GUILD_CREATE and GUILD_DELETE.</summary>
internal sealed record GuildData(Snowflake Id, bool? Unavailable);

/// <summary>The application in READY.</summary>
internal sealed record ApplicationData(long? Flags);

/// <summary>Data of MESSAGE_DELETE and MESSAGE_DELETE_BULK.</summary>
internal sealed record DeletedData(Snowflake Id, IReadOnlyList<Snowflake>? Ids, Snowflake ChannelId);

/// <summary>Data of TYPING_START.</summary>
internal sealed record TypingData(Snowflake ChannelId, Snowflake UserId);
