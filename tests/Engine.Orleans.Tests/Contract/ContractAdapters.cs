using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Orleans.Tests;

// The grains and the observer of the contract suite as Orleans knows them.

public interface ITurnsOrleansGrain : IGrainWithStringKey, ITurnsGrain;

[GrainType("contract.turns")]
public sealed class TurnsOrleansGrain(IGrainContext context, Probe probe) : TurnsGrain(context, probe), ITurnsOrleansGrain;

public interface IFailingOrleansGrain : IGrainWithStringKey, IFailingGrain;

[GrainType("contract.failing")]
public sealed class FailingOrleansGrain(IGrainContext context, Probe probe) : FailingGrain(context, probe), IFailingOrleansGrain;

public interface IKeepingOrleansGrain : IGrainWithStringKey, IKeepingGrain;

[GrainType(ContractGrains.Keeping)]
public sealed class KeepingOrleansGrain(IGrainContext<KeptState> context, Probe probe) : KeepingGrain(context, probe), IKeepingOrleansGrain;

public interface IWorkingOrleansGrain : IGrainWithStringKey, IWorkingGrain;

[GrainType("contract.working")]
public sealed class WorkingOrleansGrain(IGrainContext context, Probe probe) : WorkingGrain(context, probe), IWorkingOrleansGrain;

public interface IRemindedOrleansGrain : IGrainWithStringKey, IRemindedGrain;

[GrainType("contract.reminded")]
public sealed class RemindedOrleansGrain(IGrainContext context, Probe probe) : RemindedGrain(context, probe), IRemindedOrleansGrain, IRemindable
{
    public Task ReceiveReminder(string reminderName, TickStatus status) => this.Remind(reminderName);
}

public interface IObservedOrleansGrain : IGrainWithStringKey, IObservedGrain;

[GrainType("contract.observed")]
public sealed class ObservedOrleansGrain(IGrainContext context, Probe probe) : ObservedGrain(context, probe), IObservedOrleansGrain;

public interface IContractOrleansObserver : IGrainObserver, IContractObserver;

/// <summary>All of them.</summary>
public static class ContractAdapters
{
    public static void AddTo(OrleansEngineOptions options)
    {
        options.Adapters.Add(GrainAdapter.Of<ITurnsGrain, ITurnsOrleansGrain>());
        options.Adapters.Add(GrainAdapter.Of<IFailingGrain, IFailingOrleansGrain>());
        options.Adapters.Add(GrainAdapter.Of<IKeepingGrain, IKeepingOrleansGrain>());
        options.Adapters.Add(GrainAdapter.Of<IWorkingGrain, IWorkingOrleansGrain>());
        options.Adapters.Add(GrainAdapter.Of<IRemindedGrain, IRemindedOrleansGrain>());
        options.Adapters.Add(GrainAdapter.Of<IObservedGrain, IObservedOrleansGrain>());
        options.ObserverAdapters.Add(ObserverAdapter.Of<IContractObserver, IContractOrleansObserver>());
    }
}
