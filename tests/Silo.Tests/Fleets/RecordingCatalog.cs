using Microsoft.Extensions.Logging;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>A fake catalog that records imports, and a grain factory for it and for the grains of listeners.</summary>
internal sealed class RecordingCatalog : FakeGrains, ICatalogGrain
{
    private readonly RecordingListeners _listeners = new();
    private readonly Lock _gate = new();
    private readonly List<(Func<Fleet, bool> Matches, TaskCompletionSource Found)> _waiting = [];

    public Fleet? Last { get; private set; }

    public int Imports { get; private set; }

    public bool Fails { get; set; }

    /// <summary>The recorded calls to the grains of listeners.</summary>
    public RecordingListeners Listeners => _listeners;

    /// <summary>The catalog refuses every fleet with this message; null: it does not.</summary>
    public string? Refusal { get; set; }

    /// <summary>Whether a node that starts has an old file.</summary>
    public bool IsSuperseded { get; set; }

    public Task<FleetImport> Import(Fleet fleet, bool isStart)
    {
        if (Refusal is not null) throw new ClusterException(ErrorCode.InvalidRequest, Refusal);
        if (IsSuperseded && isStart) return Task.FromResult(new FleetImport(1, IsSuperseded: true));
        if (Fails) throw new ClusterException(ErrorCode.CallRejected, "not now");
        lock (_gate)
        {
            Last = fleet;
            Imports++;
            foreach (var (matches, found) in _waiting)
            {
                if (matches(fleet)) found.TrySetResult();
            }
        }
        return Task.FromResult(new FleetImport(1, IsSuperseded: false));
    }

    /// <summary>Completes when a matching fleet is imported, or the last imported fleet matches.</summary>
    public Task ImportOf(Func<Fleet, bool> matches)
    {
        lock (_gate)
        {
            var found = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Last is not null && matches(Last)) found.SetResult();
            _waiting.Add((matches, found));
            return found.Task;
        }
    }

    protected override IGrainWithStringKey Find(Type grain, string key) => grain == typeof(ICatalogGrain) ? this : _listeners.Of(key);

    public Task<FleetChanges?> GetChanges(FleetPoll poll) => throw new NotSupportedException();

    public Task<FleetStatus> GetStatus() => throw new NotSupportedException();

    public Task<FleetEdited> Change(FleetEdit edit) => throw new NotSupportedException();

    public Task<FleetDifferences> ImportDocument(FleetDocument document) => throw new NotSupportedException();

    public Task<FleetItem?> ReadItem(FleetItemId id) => throw new NotSupportedException();

    public Task<FleetItemPage> ListItems(FleetItemKind kind, string? tenantId, string? after, int limit) => throw new NotSupportedException();

    public Task<FleetExport> Export(bool withSecrets) => throw new NotSupportedException();
}

/// <summary>A logger that records messages.</summary>
/// <param name="minLevel">The lowest level that is recorded.</param>
internal sealed class RecordingLogger<T>(LogLevel minLevel = LogLevel.Error) : ILogger<T>
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get { lock (_lines) return [.. _lines]; }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel < minLevel) return;
        lock (_lines) _lines.Add(formatter(state, exception));
    }
}
