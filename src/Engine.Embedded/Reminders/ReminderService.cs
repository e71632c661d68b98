namespace CozeCluster.Engine.Embedded;

/// <summary>
/// Durable reminders: all of them in memory, ordered by when they are due, each stored before it counts. One that fell due while nobody ran fires at start.
/// The next due time is stored after a call has ended, so a reminder whose process died during the call fires again.
/// </summary>
internal sealed class ReminderService(EmbeddedEngine engine)
{
    // Timers take no more than about 49 days; looking again every day costs nothing.
    private const long LongestWait = 24 * 60 * 60 * 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Kind, string Key, string Name), StoredReminder> _all = [];
    private readonly PriorityQueue<StoredReminder, long> _byDue = new();
    private ITimer? _timer;

    private long Now => engine.Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Takes over what is stored.</summary>
    public void Start(IReadOnlyList<StoredReminder> stored)
    {
        lock (_gate)
        {
            _timer = engine.Time.CreateTimer(static service => ((ReminderService)service!).FireDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            foreach (var reminder in stored)
            {
                if (engine.FindKind(reminder.Kind) is null) Log.ReminderOfUnknownKind(engine.Logger, reminder.Kind, reminder.Key, reminder.Name);
                else Add(reminder);
            }
            Arm();
        }
    }

    /// <summary>Fires no more.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    public Task Set(string kind, string key, string name, TimeSpan due, TimeSpan period)
    {
        // Memory and file change in the same order, because both happen under the lock.
        lock (_gate)
        {
            var reminder = new StoredReminder(kind, key, name, Now + (long)due.TotalMilliseconds, (long)period.TotalMilliseconds);
            Add(reminder);
            Arm();
            return engine.Store.Write(new ReminderSet(reminder));
        }
    }

    public Task Clear(string kind, string key, string name)
    {
        lock (_gate)
        {
            _all.Remove((kind, key, name));
            return engine.Store.Write(new ReminderDelete(kind, key, name));
        }
    }

    private void Add(StoredReminder reminder)
    {
        _all[(reminder.Kind, reminder.Key, reminder.Name)] = reminder;
        _byDue.Enqueue(reminder, reminder.Due);
    }

    /// <summary>Whether it has been neither cleared nor replaced.</summary>
    private bool Stands(StoredReminder reminder) =>
        _all.TryGetValue((reminder.Kind, reminder.Key, reminder.Name), out var current) && ReferenceEquals(current, reminder);

    private void Arm()
    {
        while (_byDue.TryPeek(out var first, out _) && !Stands(first)) _byDue.Dequeue();
        if (_timer is null || !_byDue.TryPeek(out _, out var due)) return;
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(due - Now, 0, LongestWait)), Timeout.InfiniteTimeSpan);
    }

    private void FireDue()
    {
        var due = new List<StoredReminder>();
        lock (_gate)
        {
            if (_timer is null) return;
            var now = Now;
            while (_byDue.TryPeek(out var first, out var at) && at <= now)
            {
                _byDue.Dequeue();
                if (Stands(first)) due.Add(first);
            }
            Arm();
        }
        foreach (var reminder in due) engine.FindKind(reminder.Kind)!.Deliver(reminder.Key, new ReminderCall(reminder.Name, failure => Ended(reminder, failure)));
    }

    private void Ended(StoredReminder reminder, Exception? failure)
    {
        lock (_gate)
        {
            var missed = Math.Max(0, Now - reminder.Due) / reminder.Period;
            var next = reminder with { Due = reminder.Due + (missed + 1) * reminder.Period };
            if (failure is not null)
                Log.ReminderFailed(engine.Logger, reminder.Kind, reminder.Key, reminder.Name, DateTimeOffset.FromUnixTimeMilliseconds(next.Due), failure);
            if (!Stands(reminder)) return;
            Add(next);
            Arm();
            _ = engine.Store.Write(new ReminderMove(reminder, next.Due));
        }
    }
}
