namespace CozeCluster.Discord;

/// <summary>The marks that janitors write into the topics of channels, by which these are recognized as channels of this cluster.</summary>
internal static class ChannelMarks
{
    private const string Beginning = "Made by CozeCluster for ";

    /// <summary>The mark of a channel.</summary>
    /// <param name="listenerId">The listener of the janitor.</param>
    /// <param name="owner">The owner of the channel.</param>
    /// <param name="tenantId">The tenant whose turns use the channel; null: that is not in the mark, which is the beginning of the one with a tenant.</param>
    public static string Of(string listenerId, string owner, string? tenantId = null) =>
        $"{Beginning}{listenerId}/{GrainKeys.Hash("channel", owner)}{(tenantId is null ? "" : Ending(tenantId))}";

    /// <summary>Whether a janitor has created a channel.</summary>
    public static bool Has(DiscordChannelInfo channel) => channel.Topic?.StartsWith(Beginning, StringComparison.Ordinal) == true;

    /// <summary>Whether a janitor has created a channel for turns of a tenant.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="listenerId">The listener of the janitor; null: any.</param>
    /// <param name="tenantId">The tenant.</param>
    public static bool IsOf(DiscordChannelInfo channel, string? listenerId, string tenantId) =>
        Has(channel)
        && (listenerId is null || channel.Topic!.StartsWith($"{Beginning}{listenerId}/", StringComparison.Ordinal))
        && channel.Topic!.EndsWith(Ending(tenantId), StringComparison.Ordinal);

    private static string Ending(string tenantId) => $"/{GrainKeys.Hash("tenant", tenantId)}";
}
