namespace CozeCluster.Discord;

/// <summary>What of an exchange has to be known to find it again.</summary>
/// <param name="Listener">Id of the listener.</param>
/// <param name="ChannelId">Snowflake of the channel or thread.</param>
/// <param name="MessageIds">Snowflakes of the prompt's messages, in order.</param>
/// <param name="SenderId">Snowflake of who sent it; null if not known.</param>
/// <param name="IsAlone">Whether the conversation has the channel to itself.</param>
internal sealed record DiscordHandle(string Listener, string ChannelId, IReadOnlyList<string> MessageIds, string? SenderId, bool IsAlone)
{
    private const string ListenerKey = "listener";
    private const string ChannelKey = "channel_id";
    private const string MessageKey = "message_id";
    private const string PartsKey = "message_ids";
    private const string SenderKey = "user_id";
    private const string SharedKey = "shared";

    /// <summary>As the house keeps it.</summary>
    public UpstreamHandle ToHandle(UpstreamTurn turn)
    {
        var ids = new Dictionary<string, string> { [ListenerKey] = Listener, [ChannelKey] = ChannelId, [MessageKey] = MessageIds[^1] };
        if (MessageIds.Count > 1) ids[PartsKey] = string.Join(',', MessageIds);
        if (SenderId is not null) ids[SenderKey] = SenderId;
        if (!IsAlone) ids[SharedKey] = "true";
        return new UpstreamHandle(turn.Bot.Id, turn.Account.Id, turn.Bot.Upstream, ids);
    }

    /// <summary>Reads ids of <see cref="ToHandle"/>; null if they are not such.</summary>
    public static DiscordHandle? Of(IReadOnlyDictionary<string, string> ids)
    {
        if (ids.GetValueOrDefault(ListenerKey) is not { Length: > 0 } listener || ids.GetValueOrDefault(ChannelKey) is not { Length: > 0 } channel) return null;
        var messages = (ids.GetValueOrDefault(PartsKey) ?? ids.GetValueOrDefault(MessageKey) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        if (messages.Length == 0 || !Array.TrueForAll(messages, message => Snowflake.TryParse(message, out _))) return null;
        return new DiscordHandle(listener, channel, messages, ids.GetValueOrDefault(SenderKey), !ids.ContainsKey(SharedKey));
    }
}
