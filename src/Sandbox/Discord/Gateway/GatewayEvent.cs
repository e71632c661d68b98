using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Something to dispatch to the sessions that may see <paramref name="channel"/> and want it.</summary>
internal sealed class GatewayEvent(string type, Intents needs, DiscordChannel channel, JsonObject data)
{
    private byte[]? _bytes;

    public string Type => type;

    public DiscordGuild Guild => channel.Guild;

    /// <summary>The event for readers without message content; null when there is nothing to hide.</summary>
    public IReadOnlyDictionary<DiscordUser, JsonObject>? Redacted { get; init; }

    /// <summary>The only user who gets it, if it is not for all.</summary>
    public DiscordUser? OnlyFor { get; init; }

    /// <summary>The data for a session, or null when it is not for it.</summary>
    public byte[]? DataFor(GatewaySession session)
    {
        if (!session.Intents.HasFlag(needs) || OnlyFor is not null && OnlyFor != session.User || !session.Serves(Guild)) return null;
        if (!Permissions.In(channel, session.User).HasFlag(Permission.ViewChannel)) return null;
        if (Redacted is null || session.ReadsContent) return _bytes ??= DiscordJson.Bytes(data);
        return Redacted.TryGetValue(session.User, out var redacted) ? DiscordJson.Bytes(redacted) : null;
    }
}
