namespace CozeCluster.Sandbox.Discord;

/// <summary>The record of what happened: the newest lines, counts of all, and a way to wait for a line.</summary>
public sealed class DiscordRecords
{
    private const int Kept = 50_000;
    private readonly Lock _gate = new();
    private readonly Queue<DiscordRecord> _lines = new();
    private readonly Dictionary<DiscordRecordKind, long> _counts = [];
    private readonly List<Waiter> _waiters = [];
    private readonly TimeProvider _time;
    private long _next;

    internal DiscordRecords(TimeProvider time) => _time = time;

    /// <summary>The newest 50,000 lines, oldest first, from index <paramref name="from"/> on.</summary>
    public IReadOnlyList<DiscordRecord> Lines(long from = 0)
    {
        lock (_gate) return [.. _lines.Where(line => line.Index >= from)];
    }

    /// <summary>The newest lines of one kind.</summary>
    public IReadOnlyList<DiscordRecord> Of(DiscordRecordKind kind)
    {
        lock (_gate) return [.. _lines.Where(line => line.Kind == kind)];
    }

    /// <summary>How often it happened since start or reset.</summary>
    public long Count(DiscordRecordKind kind)
    {
        lock (_gate) return _counts.GetValueOrDefault(kind);
    }

    /// <summary>The index the next line will have; a later <see cref="WaitAsync"/> from here sees only what is new.</summary>
    public long Next
    {
        get { lock (_gate) return _next; }
    }

    /// <summary>The first line of that kind that fits, past lines included; waits until there is one.</summary>
    /// <param name="kind">What happens.</param>
    /// <param name="fits">Further condition, called under a lock: keep it simple. Null takes any.</param>
    /// <param name="from">Index to look from.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<DiscordRecord> WaitAsync(
        DiscordRecordKind kind, Func<DiscordRecord, bool>? fits = null, long from = 0, CancellationToken cancellationToken = default)
    {
        var waiter = new Waiter(kind, fits, from);
        lock (_gate)
        {
            if (_lines.FirstOrDefault(waiter.Fits) is { } line) return Task.FromResult(line);
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
            if (_lines.Count > Kept) _lines.Dequeue();
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (!_waiters[i].Fits(line)) continue;
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

    private sealed class Waiter(DiscordRecordKind kind, Func<DiscordRecord, bool>? fits, long from)
    {
        public TaskCompletionSource<DiscordRecord> Line { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Fits(DiscordRecord line) => line.Kind == kind && line.Index >= from && (fits is null || fits(line));
    }
}
