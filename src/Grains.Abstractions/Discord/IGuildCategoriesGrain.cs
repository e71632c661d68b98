namespace CozeCluster;

/// <summary>
/// Finds and makes the categories of one Discord server that bots ask for by name. One for all listeners of the server, so that none is made twice. Key:
/// <see cref="GrainKeys.GuildCategories"/>.
/// </summary>
[Alias("guild-categories")]
public interface IGuildCategoriesGrain : IGrainWithStringKey
{
    /// <summary>
    /// A category for one more channel: that of the name, or where it is full "name 2", "name 3" and so on; made if it is not there. Which one it is may rest on what was seen a while ago:
    /// whoever finds it full asks again, saying so.
    /// </summary>
    /// <returns>Its snowflake; null if it would have to be made and the server has all the channels it may have.</returns>
    /// <exception cref="ClusterException">The listener may not make categories, or Discord could not be asked.</exception>
    [Alias("Find"), Idempotent, ResponseTimeout(DiscordTimeouts.Call)]
    Task<string?> Find(DiscordCategoryRequest request);
}
