using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>What is behind a reference to an observer: its calls, on their way to the <see cref="Courier"/>.</summary>
/// <param name="courier">Goes to the observer's process.</param>
/// <param name="observer">The observer's number there.</param>
/// <param name="inner">Orleans' own.</param>
internal sealed class ObserverCalls(Courier courier, long observer, IGrainReferenceRuntime inner) : IGrainReferenceRuntime
{
    private bool _called;

    public ValueTask<T> InvokeMethodAsync<T>(GrainReference reference, IInvokable request, InvokeMethodOptions options) => new(Call<T>(request));

    public ValueTask InvokeMethodAsync(GrainReference reference, IInvokable request, InvokeMethodOptions options) => new(Call<object?>(request));

    public void InvokeMethod(GrainReference reference, IInvokable request, InvokeMethodOptions options) => throw new NotSupportedException("Calls of observers are awaited.");

    public object Cast(IAddressable grain, Type interfaceType) => inner.Cast(grain, interfaceType);

    private Task<T> Call<T>(IInvokable request)
    {
        var isFirst = !_called;
        _called = true;
        return courier.Call<T>(observer, request, atOnce: isFirst);
    }
}
