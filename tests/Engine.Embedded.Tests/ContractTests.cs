using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Embedded.Tests;

// The contract suite on the embedded engine: as it is, and with every message going through the wire serializer.

public sealed class EmbeddedTurns : TurnContract<EmbeddedFixture>;

public sealed class EmbeddedErrors : ErrorContract<EmbeddedFixture>;

public sealed class EmbeddedState : StateContract<EmbeddedFixture>;

public sealed class EmbeddedLife : LifeContract<EmbeddedFixture>;

public sealed class EmbeddedTimers : TimerContract<EmbeddedFixture>;

public sealed class EmbeddedReminders : ReminderContract<EmbeddedFixture>;

public sealed class EmbeddedObservers : ObserverContract<EmbeddedFixture>;

public sealed class WireTurns : TurnContract<WireFixture>;

public sealed class WireErrors : ErrorContract<WireFixture>;

public sealed class WireState : StateContract<WireFixture>;

public sealed class WireLife : LifeContract<WireFixture>;

public sealed class WireObservers : ObserverContract<WireFixture>;
