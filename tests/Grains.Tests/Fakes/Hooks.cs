using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Places where a test stops grains, or has them fail: around saves, reminders and calls. One for all grains of a silo.</summary>
public sealed class Hooks : IIncomingGrainCallFilter
{
    /// <summary>The state whose saves the hooks are about.</summary>
    public string? State { get; set; }

    /// <summary>Before that state is saved.</summary>
    public Func<Task> BeforeSave { get; set; } = () => Task.CompletedTask;

    /// <summary>When it has been stored, before the grain learns of that.</summary>
    public Func<Task> AfterSave { get; set; } = () => Task.CompletedTask;

    /// <summary>Before a reminder is stored.</summary>
    public Func<Task> BeforeReminder { get; set; } = () => Task.CompletedTask;

    /// <summary>The method whose calls the hooks are about.</summary>
    public string? Method { get; set; }

    /// <summary>Before a call of that method.</summary>
    public Func<Task> BeforeCall { get; set; } = () => Task.CompletedTask;

    /// <summary>After a call of that method, before its caller learns of that.</summary>
    public Func<Task> AfterCall { get; set; } = () => Task.CompletedTask;

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var isHooked = context.MethodName == Method;
        if (isHooked) await BeforeCall();
        await context.Invoke();
        if (isHooked) await AfterCall();
    }

    /// <summary>Puts the hooks into a silo whose storage is registered.</summary>
    public void AddTo(ISiloBuilder silo)
    {
        silo.AddIncomingGrainCallFilter(this);
        Decorate<IGrainStorage>(silo.Services, ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, storage => new HookedStorage(storage, this));
        Decorate<IReminderTable>(silo.Services, null, table => new HookedReminders(table, this));
    }

    private static void Decorate<T>(IServiceCollection services, object? key, Func<T, T> decorator) where T : class
    {
        var inner = services.Last(service => service.ServiceType == typeof(T) && Equals(service.ServiceKey, key));
        services.Remove(inner);
        if (key is null) services.AddSingleton(provider => decorator((T)(inner.ImplementationInstance ?? inner.ImplementationFactory?.Invoke(provider) ?? ActivatorUtilities.CreateInstance(provider, inner.ImplementationType!))));
        else services.AddKeyedSingleton(key, (provider, _) => decorator((T)(inner.KeyedImplementationInstance ?? inner.KeyedImplementationFactory!(provider, key))));
    }

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

/// <summary>A place that is reached, and stays so until the test lets go.</summary>
public sealed class Stop
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public void Go() => _go.TrySetResult();

    public Task Wait()
    {
        _reached.TrySetResult();
        return _go.Task;
    }
}
