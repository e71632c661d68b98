namespace CozeCluster.Engine.Orleans;

/// <summary>The adapters of every grain and observer of the house.</summary>
internal static class AllAdapters
{
    public static IReadOnlyList<GrainAdapter> Grains { get; } =
    [
        GrainAdapter.Of<ICatalogGrain, ICatalogOrleansGrain>(),
        GrainAdapter.Of<IApiKeyGrain, IApiKeyOrleansGrain>(),
        GrainAdapter.Of<ITenantGrain, ITenantOrleansGrain>(),
        GrainAdapter.Of<IModelPoolGrain, IModelPoolOrleansGrain>(),
        GrainAdapter.Of<IBotGrain, IBotOrleansGrain>(),
        GrainAdapter.Of<IAccountGrain, IAccountOrleansGrain>(),
        GrainAdapter.Of<IConversationGrain, IConversationOrleansGrain>(),
        GrainAdapter.Of<IConversationIndexGrain, IConversationIndexOrleansGrain>(),
        GrainAdapter.Of<IHealthGrain, IHealthOrleansGrain>(),
        GrainAdapter.Of<IDiscordSessionGrain, IDiscordSessionOrleansGrain>(),
        GrainAdapter.Of<IChannelJanitorGrain, IChannelJanitorOrleansGrain>(),
        GrainAdapter.Of<IGuildCategoriesGrain, IGuildCategoriesOrleansGrain>(),
        GrainAdapter.Of<IRunningTurnsGrain, IRunningTurnsOrleansGrain>(),
    ];

    public static IReadOnlyList<ObserverAdapter> Observers { get; } =
    [
        ObserverAdapter.Of<IReplyObserver, IReplyOrleansObserver>(),
        ObserverAdapter.Of<IDiscordObserver, IDiscordOrleansObserver>(),
    ];
}
