namespace CozeCluster.Engine.Contract;

/// <summary>The grains of the suite.</summary>
public static class ContractGrains
{
    /// <summary>The name of the grain that keeps a text, for <see cref="EngineFixture.OverwriteAsync"/>.</summary>
    public const string Keeping = "contract.keeping";

    /// <summary>All of them. They take nothing but their context and a <see cref="Probe"/>.</summary>
    public static IReadOnlyList<GrainDefinition> Definitions { get; } =
    [
        GrainDefinition.Of<ITurnsGrain, TurnsGrain>("contract.turns"),
        GrainDefinition.Of<IFailingGrain, FailingGrain>("contract.failing"),
        GrainDefinition.Of<IKeepingGrain, KeepingGrain, KeptState>(Keeping, KeptJson.Default.KeptState),
        GrainDefinition.Of<IWorkingGrain, WorkingGrain>("contract.working"),
        GrainDefinition.Of<IRemindedGrain, RemindedGrain>("contract.reminded"),
        GrainDefinition.Of<IObservedGrain, ObservedGrain>("contract.observed"),
    ];
}
