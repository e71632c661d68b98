namespace CozeCluster;

/// <summary>What became of a channel that was to be made.</summary>
public enum DiscordMaking
{
    /// <summary>It is there.</summary>
    Made,

    /// <summary>The server has all the channels it may have (500).</summary>
    ServerFull,

    /// <summary>Its category has all the channels it may have (50).</summary>
    CategoryFull,

    /// <summary>Its category is not there, or is none.</summary>
    CategoryGone,
}

/// <summary>What became of a channel that was to be made.</summary>
/// <param name="Making">How it went.</param>
/// <param name="Channel">The channel if it was made, else null.</param>
public readonly record struct DiscordMade(DiscordMaking Making, DiscordChannelInfo? Channel = null);
