using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Lets a test delay or fail saves, commits, reads, reminders and calls. All grains of a silo share one instance.</summary>
public sealed class Hooks : IIncomingGrainCallFilter
{
    /// <summary>The name of the state whose saves have hooks; <c>fleet</c> for the rows of the fleet.</summary>
    public string? State { get; set; }

    /// <summary>Runs before that state is saved.</summary>
    public Func<Task> BeforeSave { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs when the state has been stored, before the save completes.</summary>
    public Func<Task> AfterSave { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs before a commit of a conversation.</summary>
    public Func<Task> BeforeCommit { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs when a commit of a conversation is stored, before it completes.</summary>
    public Func<Task> AfterCommit { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs before an activation of a conversation reads what is stored.</summary>
    public Func<Task> BeforeLoad { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs before a reminder is stored.</summary>
    public Func<Task> BeforeReminder { get; set; } = () => Task.CompletedTask;

    /// <summary>The name of the method whose calls have hooks.</summary>
    public string? Method { get; set; }

    /// <summary>Runs before a call of that method.</summary>
    public Func<Task> BeforeCall { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs after a call of that method, before the caller receives the answer.</summary>
    public Func<Task> AfterCall { get; set; } = () => Task.CompletedTask;

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var isHooked = context.MethodName == Method;
        if (isHooked) await BeforeCall();
        await context.Invoke();
        if (isHooked) await AfterCall();
    }

    /// <summary>Adds the hooks to a silo whose storage is already registered.</summary>
    public void AddTo(ISiloBuilder silo)
    {
        silo.AddIncomingGrainCallFilter(this);
        Decorate<IGrainStorage>(silo.Services, ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, storage => new HookedStorage(storage, this));
        Decorate<IConversationStore>(silo.Services, null, store => new HookedConversations(store, this));
        Decorate<IFleetStore>(silo.Services, null, store => new HookedFleet(store, this));
        Decorate<IReminderTable>(silo.Services, null, table => new HookedReminders(table, this));
    }

    private static void Decorate<T>(IServiceCollection services, object? key, Func<T, T> decorator) where T : class
    {
        var inner = services.Last(service => service.ServiceType == typeof(T) && Equals(service.ServiceKey, key));
        services.Remove(inner);
        if (key is null) services.AddSingleton(provider => decorator((T)Create(inner, provider)));
        else services.AddKeyedSingleton(key, (provider, _) => decorator((T)CreateKeyed(inner, provider)));
    }

    private static object Create(ServiceDescriptor service, IServiceProvider provider) => service.ImplementationInstance
        ?? service.ImplementationFactory?.Invoke(provider)
        ?? ActivatorUtilities.CreateInstance(provider, service.ImplementationType!);

    private static object CreateKeyed(ServiceDescriptor service, IServiceProvider provider) =>
        service.KeyedImplementationInstance ?? service.KeyedImplementationFactory!(provider, service.ServiceKey);

    private sealed class HookedStorage(IGrainStorage inner, Hooks hooks) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ReadStateAsync(stateName, grainId, grainState);

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (stateName == hooks.State) await hooks.BeforeSave();
            await inner.WriteStateAsync(stateName, grainId, grainState);
            if (stateName == hooks.State) await hooks.AfterSave();
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
    }

    private sealed class HookedConversations(IConversationStore inner, Hooks hooks) : IConversationStore
    {
        public long NewTurnRowId() => inner.NewTurnRowId();

        public async ValueTask<StoredConversation?> Load(string conversationKey, CancellationToken cancellationToken)
        {
            await hooks.BeforeLoad();
            return await inner.Load(conversationKey, cancellationToken);
        }

        public ValueTask<StoredTurn?> FindTurn(string conversationKey, string turnId, CancellationToken cancellationToken) =>
            inner.FindTurn(conversationKey, turnId, cancellationToken);

        public ValueTask<IReadOnlyList<StoredTurn>> ReadTurns(string conversationKey, int limit, CancellationToken cancellationToken) =>
            inner.ReadTurns(conversationKey, limit, cancellationToken);

        public async Task Commit(ConversationCommit commit)
        {
            await hooks.BeforeCommit();
            await inner.Commit(commit);
            await hooks.AfterCommit();
        }

        public Task Delete(string conversationKey) => inner.Delete(conversationKey);
    }

    private sealed class HookedFleet(IFleetStore inner, Hooks hooks) : IFleetStore
    {
        public ValueTask<IReadOnlyList<FleetRow>> Read(FleetRowKind afterKind, string afterId, int limit, CancellationToken cancellationToken) =>
            inner.Read(afterKind, afterId, limit, cancellationToken);

        public ValueTask<long> ReadVersion(CancellationToken cancellationToken) => inner.ReadVersion(cancellationToken);

        public async Task Commit(long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows)
        {
            if (hooks.State == "fleet") await hooks.BeforeSave();
            await inner.Commit(expectedVersion, nextVersion, rows);
            if (hooks.State == "fleet") await hooks.AfterSave();
        }
    }

    private sealed class HookedReminders(IReminderTable inner, Hooks hooks) : IReminderTable
    {
        public Task StartAsync(CancellationToken cancellationToken) => inner.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => inner.StopAsync(cancellationToken);

        public Task<ReminderTableData> ReadRows(GrainId grainId) => inner.ReadRows(grainId);

        public Task<ReminderTableData> ReadRows(uint begin, uint end) => inner.ReadRows(begin, end);

        public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) => inner.ReadRow(grainId, reminderName);

        public async Task<string?> UpsertRow(ReminderEntry entry)
        {
            await hooks.BeforeReminder();
            return await inner.UpsertRow(entry);
        }

        public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => inner.RemoveRow(grainId, reminderName, eTag);

        public Task TestOnlyClearTable() => inner.TestOnlyClearTable();
    }
}

/// <summary>A point in the code at which a test makes a grain wait.</summary>
public sealed class Checkpoint
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _continue = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool IsReached => _reached.Task.IsCompleted;

    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public void Continue() => _continue.TrySetResult();

    public Task Wait()
    {
        _reached.TrySetResult();
        return _continue.Task;
    }
}
