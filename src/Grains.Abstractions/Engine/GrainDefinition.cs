using System.Text.Json.Serialization.Metadata;

namespace CozeCluster;

/// <summary>One kind of grain, as engines need to know it. The list of all of them stands in <c>Grains</c>.</summary>
public sealed class GrainDefinition
{
    private GrainDefinition(string name, Type @interface, Type implementation, Type? stateType, JsonTypeInfo? stateJson, TimeSpan? idleAfter)
    {
        Name = name;
        Interface = @interface;
        Implementation = implementation;
        StateType = stateType;
        StateJson = stateJson;
        IdleAfter = idleAfter ?? TimeSpan.FromMinutes(5);
    }

    /// <summary>The name its state is stored under. Never renamed.</summary>
    public string Name { get; }

    /// <summary>The grain interface.</summary>
    public Type Interface { get; }

    /// <summary>The grain class. Its constructor takes an <see cref="IGrainContext"/> (or <see cref="IGrainContext{TState}"/>) and services.</summary>
    public Type Implementation { get; }

    /// <summary>The state type, if it has state.</summary>
    public Type? StateType { get; }

    /// <summary>How the state is written as JSON.</summary>
    public JsonTypeInfo? StateJson { get; }

    /// <summary>How long after its last call an idle grain is put away. Default 5 minutes.</summary>
    public TimeSpan IdleAfter { get; }

    /// <summary>How long the stored state of a key is kept after its last save; the engine sweeps it up later. Null, the default: for ever.</summary>
    public Func<string, TimeSpan?>? Retention { get; private init; }

    /// <summary>A grain without state.</summary>
    public static GrainDefinition Of<TInterface, TGrain>(string name, TimeSpan? idleAfter = null)
        where TInterface : class, IGrain
        where TGrain : class, TInterface =>
        new(name, typeof(TInterface), typeof(TGrain), null, null, idleAfter);

    /// <summary>A grain with state.</summary>
    public static GrainDefinition Of<TInterface, TGrain, TState>(string name, JsonTypeInfo<TState> stateJson, TimeSpan? idleAfter = null, Func<string, TimeSpan?>? retention = null)
        where TInterface : class, IGrain
        where TGrain : class, TInterface
        where TState : class, new() =>
        new(name, typeof(TInterface), typeof(TGrain), typeof(TState), stateJson, idleAfter) { Retention = retention };
}
