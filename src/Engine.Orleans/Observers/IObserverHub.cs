using Orleans.Concurrency;
using Orleans.Serialization.Invocation;

namespace CozeCluster.Engine.Orleans;

/// <summary>All observers of one process, as other processes reach them: calls come many at a time.</summary>
[Alias("observers")]
internal interface IObserverHub : IGrainObserver
{
    /// <summary>Makes the calls, which are of different observers or need no order.</summary>
    /// <returns>An answer to each, without waiting for any: who is not done yet is asked for with <see cref="Collect"/>.</returns>
    [Alias("deliver")]
    ValueTask<ObserverAnswer[]> Deliver(ObserverCall[] calls);

    /// <summary>Waits for the answer to a call.</summary>
    [Alias("collect"), AlwaysInterleave]
    ValueTask<ObserverAnswer> Collect(long ticket);
}

/// <summary>A call of one observer.</summary>
[GenerateSerializer, Immutable, Alias("observer-call")]
internal readonly struct ObserverCall(long observer, IInvokable request)
{
    /// <summary>The observer's number in its process.</summary>
    [Id(0)]
    public readonly long Observer = observer;

    [Id(1)]
    public readonly IInvokable Request = request;
}

/// <summary>What an observer said.</summary>
[GenerateSerializer, Immutable, Alias("observer-answer")]
internal readonly struct ObserverAnswer(Response? response, long ticket)
{
    /// <summary>What the call returned or threw; null if it is not done yet.</summary>
    [Id(0)]
    public readonly Response? Response = response;

    /// <summary>Under what to ask for the answer to a call that is not done yet.</summary>
    [Id(1)]
    public readonly long Ticket = ticket;
}
