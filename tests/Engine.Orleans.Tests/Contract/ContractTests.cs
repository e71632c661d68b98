using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Orleans.Tests;

// The contract suite on two silos, asked by a client that is none. The classes share the cluster, so they take turns.

[Collection(TestCluster.Collection)]
public sealed class OrleansTurns : TurnContract<OrleansFixture>;

[Collection(TestCluster.Collection)]
public sealed class OrleansErrors : ErrorContract<OrleansFixture>;

[Collection(TestCluster.Collection)]
public sealed class OrleansState : StateContract<OrleansFixture>;

[Collection(TestCluster.Collection)]
public sealed class OrleansLife : LifeContract<OrleansFixture>;

[Collection(TestCluster.Collection)]
public sealed class OrleansTimers : TimerContract<OrleansFixture>;

/// <summary>On a cluster of their own, beside the others: they wait for a minute.</summary>
public sealed class OrleansReminders : ReminderContract<OrleansFixture<OrleansReminders>>;

[Collection(TestCluster.Collection)]
public sealed class OrleansObservers : ObserverContract<OrleansFixture>;
