using System.Reflection;

namespace CozeCluster.Upstreams.Tests.Discord;

/// <summary>Grains with something between them and their callers.</summary>
/// <param name="inner">The grains.</param>
/// <param name="instead">Given the name of a method and the call itself, does what is done in its place.</param>
internal sealed class WalledGrains(IGrains inner, Func<string, Func<object?>, object?> instead) : IGrains
{
    public T Get<T>(string key) where T : class, IGrain => GrainWall<T>.Before(inner.Get<T>(key), instead);

    public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver => inner.Observe(observer);
}

/// <summary>A grain behind a wall. Not sealed, as proxies derive from it.</summary>
public class GrainWall<T> : DispatchProxy where T : class
{
    private T _inner = null!;
    private Func<string, Func<object?>, object?> _instead = null!;

    /// <summary>Builds a wall before a grain.</summary>
    public static T Before(T inner, Func<string, Func<object?>, object?> instead)
    {
        var proxy = Create<T, GrainWall<T>>();
        var wall = (GrainWall<T>)(object)proxy;
        (wall._inner, wall._instead) = (inner, instead);
        return proxy;
    }

    /// <inheritdoc />
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _instead(targetMethod!.Name, () => targetMethod.Invoke(_inner, args));
}
