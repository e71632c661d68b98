using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// The first call of a grain that has stored nothing says so on its way, and the silo where the grain comes to life by it does not ask the database. If the call is sent again it
/// says so no more: by then the grain may have come to life, stored something, and gone.
/// </summary>
internal sealed class FirstCall(IGrainReferenceRuntime inner) : IGrainReferenceRuntime
{
    private const string Mark = "new-grain";
    private bool _said;

    /// <summary>Whether the call that brings a grain to life says that nothing of it is stored.</summary>
    public static bool SaysNothingIsStored(GrainId grain) => RequestContext.Get(Mark) is string id && id == grain.ToString();

    /// <summary>What the grain calls in its turn need not carry it along.</summary>
    public static void Forget() => RequestContext.Remove(Mark);

    public ValueTask<T> InvokeMethodAsync<T>(GrainReference reference, IInvokable request, InvokeMethodOptions options)
    {
        Say(reference);
        try
        {
            return inner.InvokeMethodAsync<T>(reference, request, options);
        }
        finally
        {
            Forget();
        }
    }

    public ValueTask InvokeMethodAsync(GrainReference reference, IInvokable request, InvokeMethodOptions options)
    {
        Say(reference);
        try
        {
            return inner.InvokeMethodAsync(reference, request, options);
        }
        finally
        {
            Forget();
        }
    }

    public void InvokeMethod(GrainReference reference, IInvokable request, InvokeMethodOptions options) => inner.InvokeMethod(reference, request, options);

    public object Cast(IAddressable grain, Type interfaceType) => inner.Cast(grain, interfaceType);

    private void Say(GrainReference reference)
    {
        if (_said) return;
        _said = true;
        RequestContext.Set(Mark, reference.GrainId.ToString());
    }
}
