using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace CozeCluster.Engine.Embedded;

/// <summary>A reference to an observer, good until its handle is disposed.</summary>
[SuppressMessage("Performance", "CA1852", Justification = "DispatchProxy derives from it")]
internal class ObserverProxy : DispatchProxy
{
    private ObserverKind _kind = null!;
    private volatile object? _target;

    public static ObserverProxy Prototype(ObserverKind kind)
    {
        var proxy = (ObserverProxy)Create(kind.Type, typeof(ObserverProxy));
        proxy._kind = kind;
        return proxy;
    }

    public ObserverProxy For(object target)
    {
        var proxy = (ObserverProxy)MemberwiseClone();
        proxy._target = target;
        return proxy;
    }

    public void Drop() => _target = null;

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        _kind.Methods[targetMethod!].CallObserver(_kind.Engine, _target, args ?? []);
}

/// <inheritdoc />
internal sealed class ObserverHandle<T>(ObserverProxy proxy) : IObserverHandle<T> where T : class, IObserver
{
    public T Reference { get; } = (T)(object)proxy;

    public void Dispose() => proxy.Drop();
}
