using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Storage;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>A silo with the test grains of this folder, for the tests of one class.</summary>
public class RuntimeSilo : IAsyncLifetime
{
    public Probe Probe { get; } = new();

    public Logged Logged { get; } = new();

    public Hooks Hooks { get; } = new() { State = KeepingGrain.StateName };

    public SentCalls Sent { get; } = new();

    public TestSilo Silo { get; private set; } = null!;

    protected virtual bool DirectPath => true;

    public async ValueTask InitializeAsync() => Silo = await TestSilo.StartAsync(silo =>
    {
        silo.Services.AddSingleton(Probe);
        silo.Services.AddSingleton<ILoggerProvider>(Logged);
        silo.Services.AddSingleton<IGrainStorageSerializer>(new StateSerializer(KeptJson.Default));
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

    /// <summary>Changes the stored state of a <see cref="IKeepingGrain"/> without its knowledge, as another activation does.</summary>
    public async Task Overwrite(string key, string text)
    {
        var stored = new GrainState<KeptState>();
        await Storage.ReadStateAsync(KeepingGrain.StateName, IdOf(key), stored);
        stored.State = new KeptState { Text = text };
        await Storage.WriteStateAsync(KeepingGrain.StateName, IdOf(key), stored);
    }

    /// <summary>Stores something that a <see cref="IKeepingGrain"/> cannot read, where nothing is stored.</summary>
    public Task Corrupt(string key) => Storage.WriteStateAsync(KeepingGrain.StateName, IdOf(key), new GrainState<MisshapenState>(new MisshapenState()));

    private GrainId IdOf(string key) => Silo.Grains.GetGrain<IKeepingGrain>(key).GetGrainId();

    /// <summary>Moves the clock in steps until the task has ended, however many it takes.</summary>
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

/// <summary>Tests that share a silo, each with a key of its own.</summary>
public abstract class RuntimeTest<TSilo>(TSilo fixture) : IClassFixture<TSilo> where TSilo : RuntimeSilo
{
    /// <summary>Ends a test that hangs; milliseconds.</summary>
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
