namespace CozeCluster.Engine.Embedded;

/// <summary>Deletes what has had its time: stored states past their kind's retention, and expired blobs. One round at a time.</summary>
internal sealed class Housekeeping(EmbeddedEngine engine, FileBlobStore blobs)
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    private readonly CancellationTokenSource _stop = new();
    private ITimer? _timer;

    /// <summary>The round that runs or ran last.</summary>
    public Task Round { get; private set; } = Task.CompletedTask;

    public void Start() => _timer = engine.Time.CreateTimer(static h => ((Housekeeping)h!).Begin(), this, Period, Period);

    /// <summary>Begins no more rounds, and waits for the one that runs.</summary>
    public async Task StopAsync()
    {
        _timer?.Dispose();
        await _stop.CancelAsync();
        await Round;
    }

    private void Begin()
    {
        if (Round.IsCompleted) Round = Task.Run(RunAsync);
    }

    private async Task RunAsync()
    {
        try
        {
            blobs.Sweep();
            foreach (var kind in engine.Kinds.Where(k => k.Definition.Retention is not null)) await ExpireAsync(kind);
        }
        catch (Exception e)
        {
            if (!_stop.IsCancellationRequested) Log.HousekeepingFailed(engine.Logger, e);
        }
    }

    private async Task ExpireAsync(GrainKind kind)
    {
        var now = engine.Time.GetUtcNow();
        // A page at a time, so that saves get in between.
        for (var after = ""; !_stop.IsCancellationRequested;)
        {
            var page = engine.Store.ReadAges(kind.Name, after);
            if (page.Count == 0) return;
            after = page[^1].Key;
            // A grain in memory is in use; its turn comes once it is put away.
            var expired = page.Where(s => IsOver(s) && !kind.Activations.ContainsKey(s.Key)).ToList();
            if (expired.Count > 0) await engine.Store.Write(new StateExpire(kind.Name, expired));
        }

        bool IsOver(StoredAge state) =>
            kind.Definition.Retention!(state.Key) is { } kept && DateTimeOffset.FromUnixTimeMilliseconds(state.UpdatedAt) + kept <= now;
    }
}
