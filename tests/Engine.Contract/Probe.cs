using System.Collections.Concurrent;

namespace CozeCluster.Engine.Contract;

/// <summary>
/// How grains of the suite and its tests talk past the engine: grains note what happens, tests wait for it; tests open gates, grains wait at them. Thread-safe.
/// </summary>
public sealed class Probe
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _counts = [];
    private readonly List<(string Name, int Count, TaskCompletionSource Waiter)> _waiters = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new();

    /// <summary>Notes that something happened.</summary>
    /// <returns>How often by now.</returns>
    public int Note(string name)
    {
        lock (_gate)
        {
            var count = _counts[name] = _counts.GetValueOrDefault(name) + 1;
            foreach (var waiter in _waiters.Where(w => w.Name == name && w.Count <= count).ToList())
            {
                _waiters.Remove(waiter);
                waiter.Waiter.TrySetResult();
            }
            return count;
        }
    }

    /// <summary>How often something has happened.</summary>
    public int Count(string name)
    {
        lock (_gate) return _counts.GetValueOrDefault(name);
    }

    /// <summary>Waits until something has happened so often.</summary>
    public Task Happened(string name, int count = 1)
    {
        lock (_gate)
        {
            if (_counts.GetValueOrDefault(name) >= count) return Task.CompletedTask;
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((name, count, waiter));
            return waiter.Task;
        }
    }

    /// <summary>Opens a gate for good.</summary>
    public void Open(string gate) => Gate(gate).TrySetResult();

    /// <summary>Waits at a gate.</summary>
    public Task Pass(string gate, CancellationToken cancellationToken = default) => Gate(gate).Task.WaitAsync(cancellationToken);

    private TaskCompletionSource Gate(string name) => _gates.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
