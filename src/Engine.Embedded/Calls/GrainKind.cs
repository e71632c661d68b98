using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Embedded;

/// <summary>One kind of grain and its activations.</summary>
internal sealed class GrainKind
{
    private readonly GrainProxy _prototype;
    private readonly ObjectFactory _createGrain;
    private readonly Func<Activation, GrainContext> _createContext;

    public GrainKind(EmbeddedEngine engine, GrainDefinition definition)
    {
        Engine = engine;
        Definition = definition;
        Methods = MethodsOf(definition.Interface).ToFrozenDictionary(m => m, GrainMethod.Of);
        _prototype = GrainProxy.Prototype(this);
        _createContext = definition.StateType is null ? Context : ContextWithState(definition.StateType);
        var contextType = definition.StateType is null ? typeof(GrainContext) : typeof(GrainContext<>).MakeGenericType(definition.StateType);
        _createGrain = ActivatorUtilities.CreateFactory(definition.Implementation, [contextType]);
    }

    public EmbeddedEngine Engine { get; }

    public GrainDefinition Definition { get; }

    public string Name => Definition.Name;

    public FrozenDictionary<MethodInfo, GrainMethod> Methods { get; }

    public ConcurrentDictionary<string, Activation> Activations { get; } = new(StringComparer.Ordinal);

    public object Reference(string key) => _prototype.For(key);

    public GrainContext CreateContext(Activation activation) => _createContext(activation);

    public object CreateGrain(GrainContext context) => _createGrain(Engine.Services, [context]);

    /// <summary>Hands a call to the activation of <paramref name="key"/>, making one where there is none.</summary>
    public void Deliver(string key, Call call)
    {
        while (true)
        {
            if (Engine.IsClosed)
            {
                call.Fail(EmbeddedEngine.Draining());
                return;
            }
            var activation = Activations.GetOrAdd(key, static (key, kind) => new Activation(kind, key), this);
            // False if it has just been put away; the next look-up finds its successor.
            if (activation.TryReceive(call)) return;
        }
    }

    /// <summary>The methods of an interface and of those it extends.</summary>
    public static IEnumerable<MethodInfo> MethodsOf(Type type) => type.GetInterfaces().Append(type).SelectMany(i => i.GetMethods());

    private static GrainContext Context(Activation activation) => new(activation);

    private static Func<Activation, GrainContext> ContextWithState(Type state) => typeof(GrainKind)
        .GetMethod(nameof(Context), 1, BindingFlags.NonPublic | BindingFlags.Static, null, [typeof(Activation)], null)!
        .MakeGenericMethod(state)
        .CreateDelegate<Func<Activation, GrainContext>>();

    private static GrainContext Context<TState>(Activation activation) where TState : class, new() => new GrainContext<TState>(activation);
}
