using System.Reflection;

namespace CozeCluster.Discord.Tests;

/// <summary>Grains with something between them and their callers. Only what the code under test uses is there.</summary>
/// <param name="inner">The grains.</param>
/// <param name="instead">Receives the name of a method and the call itself, and does what is done in its place.</param>
internal sealed class WalledGrains(IGrainFactory inner, Func<string, Func<object?>, object?> instead) : IGrainFactory
{
    public T GetGrain<T>(string primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithStringKey =>
        GrainWall<T>.Before(inner.GetGrain<T>(primaryKey, grainClassNamePrefix), instead);

    public T CreateObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => inner.CreateObjectReference<T>(obj);

    public void DeleteObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => inner.DeleteObjectReference<T>(obj);

    public T GetGrain<T>(Guid primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithGuidKey => throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithIntegerKey => throw new NotSupportedException();

    public T GetGrain<T>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithGuidCompoundKey => throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithIntegerCompoundKey => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) => throw new NotSupportedException();

    public T GetGrain<T>(GrainId grainId) where T : IAddressable => throw new NotSupportedException();

    public IAddressable GetGrain(GrainId grainId) => throw new NotSupportedException();

    public IAddressable GetGrain(GrainId grainId, GrainInterfaceType interfaceType) => throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey, string grainClassNamePrefix) => throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey) => throw new NotSupportedException();
}

/// <summary>A grain behind a wall. Not sealed, as proxies derive from it.</summary>
public class GrainWall<T> : DispatchProxy where T : IGrainWithStringKey
{
    private T _inner = default!;
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
