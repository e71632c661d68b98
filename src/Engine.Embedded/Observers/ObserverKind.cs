using System.Collections.Frozen;
using System.Reflection;

namespace CozeCluster.Engine.Embedded;

/// <summary>One observer interface.</summary>
internal sealed class ObserverKind
{
    private readonly ObserverProxy _prototype;

    public ObserverKind(EmbeddedEngine engine, Type type)
    {
        Engine = engine;
        Type = type;
        Methods = GrainKind.MethodsOf(type).ToFrozenDictionary(m => m, GrainMethod.Of);
        _prototype = ObserverProxy.Prototype(this);
    }

    public EmbeddedEngine Engine { get; }

    public Type Type { get; }

    public FrozenDictionary<MethodInfo, GrainMethod> Methods { get; }

    public ObserverProxy Reference(object observer) => _prototype.For(observer);
}
