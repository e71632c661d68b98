namespace CozeCluster.Engine.Contract;

/// <summary>
/// One engine under test, with its store. To run the suite on an engine: derive from this, and derive every contract class from itself with that fixture.
/// The engine hosts <see cref="ContractGrains.Definitions"/>, made from services that hold <see cref="Probe"/> (this very instance: the suite runs in the grains' process).
/// </summary>
public abstract class EngineFixture : IAsyncDisposable
{
    /// <param name="probe">The probe of an engine that several fixtures share one after another; null for a new one.</param>
    protected EngineFixture(Probe? probe = null) => Probe = probe ?? new();

    /// <summary>How grains of the suite and its tests talk past the engine.</summary>
    public Probe Probe { get; }

    /// <summary>Grains as found from outside.</summary>
    public abstract IGrains Grains { get; }

    /// <summary>Starts the engine on a store that is empty, or where only other keys are used.</summary>
    public abstract Task StartAsync();

    /// <summary>Shuts the engine down gracefully and starts it again on the same store.</summary>
    public abstract Task RestartAsync();

    /// <summary>Lets time pass for timers and reminders, really or on a clock of the fixture's.</summary>
    public abstract Task PassAsync(TimeSpan time);

    /// <summary>Has every idle grain put away, and returns once it is.</summary>
    public abstract Task CollectIdleAsync();

    /// <summary>Saves the stored state of a grain once more behind its back, unchanged but for the version.</summary>
    /// <param name="kind">The name of its definition.</param>
    /// <param name="key">Its key.</param>
    public abstract Task OverwriteAsync(string kind, string key);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}
