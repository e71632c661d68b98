namespace CozeCluster.Grains;

/// <summary>The list of all grains, for engines.</summary>
public static class AllGrains
{
    /// <summary>Every kind of grain.</summary>
    /// <param name="options">Decides how long conversations are kept.</param>
    public static IReadOnlyList<GrainDefinition> Definitions(ConversationOptions options) =>
    [
        GrainDefinition.Of<ICatalogGrain, CatalogGrain, CatalogState>("catalog", StateJson.Default.CatalogState),
        GrainDefinition.Of<IApiKeyGrain, ApiKeyGrain>("api-key"),
        GrainDefinition.Of<ITenantGrain, TenantGrain>("tenant"),
        GrainDefinition.Of<IModelPoolGrain, ModelPoolGrain, ModelPoolState>("model-pool", StateJson.Default.ModelPoolState),
        GrainDefinition.Of<IBotGrain, BotGrain, BotState>("bot", StateJson.Default.BotState, idleAfter: TimeSpan.FromHours(1)),
        GrainDefinition.Of<IAccountGrain, AccountGrain, AccountState>("account", StateJson.Default.AccountState, idleAfter: TimeSpan.FromHours(1)),
        GrainDefinition.Of<IConversationGrain, ConversationGrain, ConversationState>(
            "conversation",
            StateJson.Default.ConversationState,
            idleAfter: TimeSpan.FromMinutes(2),
            retention: key => GrainKeys.IsNamedConversation(key) ? options.NamedRetention : options.FreshRetention),
        GrainDefinition.Of<IConversationIndexGrain, ConversationIndexGrain, ConversationIndexState>(
            "conversation-index", StateJson.Default.ConversationIndexState),
        // Longer than the hour after which it may repeat a notice.
        GrainDefinition.Of<IHealthGrain, HealthGrain, HealthRecords>("health", StateJson.Default.HealthRecords, idleAfter: TimeSpan.FromHours(2)),
        GrainDefinition.Of<IDiscordSessionGrain, DiscordSessionGrain, DiscordSessionState>("discord-session", StateJson.Default.DiscordSessionState),
        GrainDefinition.Of<IChannelJanitorGrain, ChannelJanitorGrain, ChannelJanitorState>("channel-janitor", StateJson.Default.ChannelJanitorState),
        GrainDefinition.Of<IGuildCategoriesGrain, GuildCategoriesGrain, GuildCategoriesState>("guild-categories", StateJson.Default.GuildCategoriesState),
        GrainDefinition.Of<IRunningTurnsGrain, RunningTurnsGrain, RunningTurnsState>("running-turns", StateJson.Default.RunningTurnsState),
    ];
}
