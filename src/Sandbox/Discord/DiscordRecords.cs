namespace CozeCluster.Sandbox.Discord;

/// <summary>The recorded events: the newest lines, the counts of all, and methods to wait for one.</summary>
public sealed class DiscordRecords
{
    private const int MaxLines = 50_000;
    private readonly Lock _gate = new();
    private readonly Queue<DiscordRecord> _lines = new();
    private readonly Dictionary<DiscordRecordKind, long> _counts = [];
    private readonly List<Waiter> _waiters = [];
    private readonly TimeProvider _time;
    private long _next;

    internal DiscordRecords(TimeProvider time) => _time = time;

    /// <summary>The newest 50,000 lines, oldest first, starting at index <paramref name="from"/>.</summary>
    public IReadOnlyList<DiscordRecord> Lines(long from = 0)
    {
        lock (_gate) return [.. _lines.Where(line => line.Index >= from)];
    }

    /// <summary>The stored lines of one kind, oldest first.</summary>
    public IReadOnlyList<DiscordRecord> Of(DiscordRecordKind kind)
    {
        lock (_gate) return [.. _lines.Where(line => line.Kind == kind)];
    }

    /// <summary>The number of events of a kind since the start or the last reset.</summary>
    public long Count(DiscordRecordKind kind)
    {
        lock (_gate) return _counts.GetValueOrDefault(kind);
    }

    /// <summary>The index of the next line. A <see cref="WaitAsync"/> from this index ignores the lines before it.</summary>
    public long Next
    {
        get { lock (_gate) return _next; }
    }

    /// <summary>Returns the first matching line, which may be in the past. Waits until there is one.</summary>
    /// <param name="kind">The kind of event.</param>
    /// <param name="matches">An additional condition. It runs under a lock, so it must be fast. Null: any line.</param>
    /// <param name="from">The first index to check.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<DiscordRecord> WaitAsync(
        DiscordRecordKind kind, Func<DiscordRecord, bool>? matches = null, long from = 0, CancellationToken cancellationToken = default)
    {
        var waiter = new Waiter(kind, matches, from);
        lock (_gate)
        {
            if (_lines.FirstOrDefault(waiter.Matches) is { } line) return Task.FromResult(line);
            _waiters.Add(waiter);
        }
        return waiter.Line.Task.WaitAsync(cancellationToken);
    }

    internal void Add(
        DiscordRecordKind kind, DiscordUser? user = null, DiscordChannel? channel = null, DiscordMessage? message = null, string? detail = null)
    {
        lock (_gate)
        {
            var line = new DiscordRecord(
                _next++, _time.GetUtcNow(), kind, user?.Id.ToString(), channel?.Id.ToString(), message?.Id.ToString(), detail);
            _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
            _lines.Enqueue(line);
            if (_lines.Count > MaxLines) _lines.Dequeue();
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (!_waiters[i].Matches(line)) continue;
                _waiters[i].Line.TrySetResult(line);
                _waiters.RemoveAt(i);
            }
        }
    }

    internal void Clear()
    {
        lock (_gate)
        {
            _lines.Clear();
            _counts.Clear();
            _next = 0;
        }
    }

    private sealed class Waiter(DiscordRecordKind kind, Func<DiscordRecord, bool>? matches, long from)
    {
        public TaskCompletionSource<DiscordRecord> Line { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Matches(DiscordRecord line) => line.Kind == kind && line.Index >= from && (matches is null || matches(line));
    }
}
