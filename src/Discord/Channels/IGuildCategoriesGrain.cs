namespace CozeCluster.Discord;

/// <summary>
/// Finds and creates the categories that bots name, in one Discord server. One grain serves all listeners of the server, so that no category is created twice.
/// Key: <see cref="GrainKeys.GuildCategories"/>.
/// </summary>
[Alias("guild-categories")]
public interface IGuildCategoriesGrain : IGrainWithStringKey
{
    /// <summary>
    /// Returns a category for one more channel: the one with the requested name or, where that is full, "name 2", "name 3" and so on. A missing category is
    /// created. The result may be based on an earlier listing: if Discord reports that the category is full, call again with it in
    /// <see cref="DiscordCategoryRequest.Full"/>.
    /// </summary>
    /// <returns>Snowflake of the category; null if it would have to be created and the server is full.</returns>
    /// <exception cref="ClusterException">The listener may not create categories, or Discord could not be reached.</exception>
    [Alias("Find"), Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<string?> Find(DiscordCategoryRequest request);
}

/// <summary>Which category is needed.</summary>
/// <param name="ListenerId">The listener that lists and creates categories.</param>
/// <param name="Name">The category's name, 1 to 90 characters.</param>
/// <param name="Full">Snowflakes of categories that Discord reported as full.</param>
[GenerateSerializer, Immutable, Alias("discord-category-request")]
public sealed record DiscordCategoryRequest(string ListenerId, string Name, IReadOnlyList<string> Full);
