namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>A view of a fleet with some listeners.</summary>
internal sealed class KnownFleet(params IReadOnlyList<ListenerDefinition> listeners) : IFleetView
{
    /// <summary>The number of refreshes. Each raises the version.</summary>
    public long Version { get; private set; }

    public FleetViewStatus Status => new(FleetViewState.Current, null);

    public FleetEndpoints Endpoints => throw new NotSupportedException();

    public FleetOutline Outline => new([], [], [.. listeners.Select(listener => GrainKeys.DiscordSession(listener.Id, listener.HomeShard()))], null);

    public ConversationIds Ids => throw new NotSupportedException();

    public ApiKeyInfo? FindKey(string hash) => throw new NotSupportedException();

    public ApiKeyInfo? FindKeyByName(string tenantId, string keyName) => throw new NotSupportedException();

    public TenantDefinition? FindTenant(string tenantId) => throw new NotSupportedException();

    public BotDefinition? FindBot(string botId) => throw new NotSupportedException();

    public AccountDefinition? FindAccount(string accountId) => throw new NotSupportedException();

    public ListenerDefinition? FindListener(string listenerId) => listeners.FirstOrDefault(listener => listener.Id == listenerId);

    public IReadOnlyList<ApiKeyInfo> ListKeys(string tenantId) => throw new NotSupportedException();

    public ModelDefinition? FindModel(string tenantId, string model) => throw new NotSupportedException();

    public IReadOnlyList<ModelInfo> ListModels(string tenantId) => throw new NotSupportedException();

    public Task Refresh(CancellationToken cancellationToken = default)
    {
        Version++;
        return Task.CompletedTask;
    }

    public IDisposable Subscribe(Action<FleetChange> onChange) => throw new NotSupportedException();
}
