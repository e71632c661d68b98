namespace CozeCluster.Engine.Contract;

/// <summary>What the contract classes share: an engine per test.</summary>
public abstract class EngineContract<TFixture> : IAsyncLifetime where TFixture : EngineFixture, new()
{
    /// <summary>Ends a test that hangs, in milliseconds.</summary>
    protected const int Hang = 120_000;

    protected TFixture Engine { get; } = new();

    protected Probe Probe => Engine.Probe;

    /// <summary>A key no other test uses.</summary>
    protected string Key { get; } = NewKey();

    public async ValueTask InitializeAsync() => await Engine.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected static string NewKey() => "k-" + Guid.NewGuid().ToString("n");

    protected T Get<T>(string? key = null) where T : class, IGrain => Engine.Grains.Get<T>(key ?? Key);
}
