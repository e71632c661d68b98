using System.Collections.Concurrent;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>
/// Connects test grains and tests without calls: grains record events that tests wait for, and tests open gates that grains wait for. Thread-safe.
/// </summary>
public sealed class Probe
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _counts = [];
    private readonly List<(string Name, int Count, TaskCompletionSource Waiter)> _waiters = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new();

    /// <summary>Records an event.</summary>
    /// <returns>How often the event has happened.</returns>
    public int Record(string name)
    {
        lock (_lock)
        {
            var count = _counts[name] = _counts.GetValueOrDefault(name) + 1;
            foreach (var waiter in _waiters.Where(waiter => waiter.Name == name && waiter.Count <= count).ToList())
            {
                _waiters.Remove(waiter);
                waiter.Waiter.TrySetResult();
            }
            return count;
        }
    }

    public int Count(string name)
    {
        lock (_lock) return _counts.GetValueOrDefault(name);
    }

    /// <summary>Completes when the event has happened <paramref name="count"/> times.</summary>
    public Task Happened(string name, int count = 1)
    {
        lock (_lock)
        {
            if (_counts.GetValueOrDefault(name) >= count) return Task.CompletedTask;
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((name, count, waiter));
            return waiter.Task;
        }
    }

    public void Open(string gate) => Gate(gate).TrySetResult();

    public Task Pass(string gate, CancellationToken cancellationToken = default) => Gate(gate).Task.WaitAsync(cancellationToken);

    private TaskCompletionSource Gate(string name) => _gates.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
