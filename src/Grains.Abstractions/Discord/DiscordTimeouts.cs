namespace CozeCluster;

/// <summary>How long calls may take that wait for Discord.</summary>
internal static class DiscordTimeouts
{
    /// <summary>
    /// Five minutes, as Orleans' attributes write it. Such a call may wait for rate limits, send a large file, or queue behind others that do; by default Orleans stops waiting for an
    /// answer after 30 s, and the caller would take a message for lost that is posted afterwards.
    /// </summary>
    public const string Call = "00:05:00";
}
