using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Storage;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>A silo with the test grains of this folder. The tests of one class share it.</summary>
public class RuntimeSilo : IAsyncLifetime
{
    public Probe Probe { get; } = new();

    public CapturedLog Log { get; } = new();

    public Hooks Hooks { get; } = new() { State = StoringGrain.StateName };

    public SentCalls Sent { get; } = new();

    public TestSilo Silo { get; private set; } = null!;

    protected virtual bool DirectPath => true;

    public async ValueTask InitializeAsync() => Silo = await TestSilo.StartAsync(silo =>
    {
        silo.Services.AddSingleton(Probe);
        silo.Services.AddSingleton<ILoggerProvider>(Log);
        silo.Services.AddSingleton<IGrainStorageSerializer>(new StateSerializer(StoredJson.Default));
        silo.Services.AddSingleton(services => new NetworkClock(services.GetRequiredService<TimeProvider>()));
        silo.Services.AddSingleton(new ReplyFeedOptions { DirectPath = DirectPath });
        Hooks.AddTo(silo);
        silo.AddOutgoingGrainCallFilter(Sent);
    });

    public async ValueTask DisposeAsync()
    {
        await Silo.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private IGrainStorage Storage => Silo.Services.GetRequiredKeyedService<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME);

    /// <summary>Changes the stored state of an <see cref="IStoringGrain"/> in the storage, as another activation would.</summary>
    public async Task Overwrite(string key, string text)
    {
        var stored = new GrainState<StoredState>();
        await Storage.ReadStateAsync(StoringGrain.StateName, IdOf(key), stored);
        stored.State = new StoredState { Text = text };
        await Storage.WriteStateAsync(StoringGrain.StateName, IdOf(key), stored);
    }

    /// <summary>Stores a state that an <see cref="IStoringGrain"/> cannot read.</summary>
    public Task Corrupt(string key) =>
        Storage.WriteStateAsync(StoringGrain.StateName, IdOf(key), new GrainState<UnreadableState>(new UnreadableState()));

    private GrainId IdOf(string key) => Silo.Grains.GetGrain<IStoringGrain>(key).GetGrainId();

    /// <summary>Moves the clock in steps until the task has completed.</summary>
    public async Task AdvanceUntil(Task task, TimeSpan step)
    {
        while (!task.IsCompleted)
        {
            Silo.Time.Advance(step);
            await Task.WhenAny(task, Task.Delay(1));
        }
        await task;
    }
}

/// <summary>A class of tests that share a silo. Each test uses its own grain key.</summary>
public abstract class RuntimeTest<TSilo>(TSilo fixture) : IClassFixture<TSilo> where TSilo : RuntimeSilo
{
    /// <summary>The timeout of a test in milliseconds.</summary>
    protected const int Hang = 60_000;

    protected TSilo Fixture => fixture;

    protected TestSilo Silo => fixture.Silo;

    protected Probe Probe => fixture.Probe;

    protected string Key { get; } = NewKey();

    protected static string NewKey() => $"k-{Guid.NewGuid():n}";

    protected T Get<T>(string? key = null) where T : IGrainWithStringKey => Silo.Grains.GetGrain<T>(key ?? Key);

    protected Task Happened(string what, int count = 1) => Probe.Happened($"{Key} {what}", count);

    protected int Count(string what) => Probe.Count($"{Key} {what}");
}
