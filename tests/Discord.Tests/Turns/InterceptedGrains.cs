using System.Reflection;

namespace CozeCluster.Discord.Tests;

/// <summary>A grain factory whose grains pass each call through an interceptor. It has only what the code under test uses.</summary>
/// <param name="inner">The grains.</param>
/// <param name="intercept">Receives the name of the method and the call itself, and returns the result.</param>
internal sealed class InterceptedGrains(IGrainFactory inner, Func<string, Func<object?>, object?> intercept) : IGrainFactory
{
    public T GetGrain<T>(string primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithStringKey =>
        GrainInterceptor<T>.Wrap(inner.GetGrain<T>(primaryKey, grainClassNamePrefix), intercept);

    public T CreateObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => inner.CreateObjectReference<T>(obj);

    public void DeleteObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => inner.DeleteObjectReference<T>(obj);

    public T GetGrain<T>(Guid primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithGuidKey => throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithIntegerKey => throw new NotSupportedException();

    public T GetGrain<T>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithGuidCompoundKey =>
        throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithIntegerCompoundKey =>
        throw new NotSupportedException();

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

/// <summary>A grain whose calls are intercepted. Not sealed, because proxies derive from it.</summary>
public class GrainInterceptor<T> : DispatchProxy where T : IGrainWithStringKey
{
    private T _inner = default!;
    private Func<string, Func<object?>, object?> _intercept = null!;

    /// <summary>Wraps a grain.</summary>
    public static T Wrap(T inner, Func<string, Func<object?>, object?> intercept)
    {
        var proxy = Create<T, GrainInterceptor<T>>();
        var interceptor = (GrainInterceptor<T>)(object)proxy;
        (interceptor._inner, interceptor._intercept) = (inner, intercept);
        return proxy;
    }

    /// <inheritdoc />
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _intercept(targetMethod!.Name, () => targetMethod.Invoke(_inner, args));
}
