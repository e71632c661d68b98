using System.Collections.Concurrent;

namespace CozeCluster.Storage.Tests;

/// <summary>What grains report to the test.</summary>
public sealed class Probe
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _events = new();

    public void Note(string what) => Of(what).TrySetResult();

    /// <summary>Completes when it has been noted.</summary>
    public Task Happened(string what) => Of(what).Task;

    private TaskCompletionSource Of(string what) => _events.GetOrAdd(what, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
