using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Engine.Embedded;

/// <summary>Durable state of one activation, written with a version check.</summary>
internal sealed class GrainState<TState> : IGrainState<TState> where TState : class, new()
{
    private readonly Activation _activation;
    private readonly JsonTypeInfo<TState> _json;
    private long _version;
    private volatile Task _write = Task.CompletedTask;

    /// <summary>Reads what is stored: a point query on a local file, so done in place.</summary>
    public GrainState(Activation activation, JsonTypeInfo<TState> json)
    {
        _activation = activation;
        _json = json;
        Value = new TState();
        if (Store.Read(Kind, activation.Key) is not { } stored) return;
        try
        {
            Value = JsonSerializer.Deserialize(stored.Payload, json) ?? new TState();
        }
        catch (JsonException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The stored state of {Kind} {activation.Key} cannot be read.", inner: e);
        }
        _version = stored.Version;
    }

    public TState Value { get; set; }

    public bool Exists => _version != 0;

    public bool IsSaving => !_write.IsCompleted;

    private string Kind => _activation.Kind.Name;

    private SqliteStore Store => _activation.Kind.Engine.Store;

    public Task Save(CancellationToken cancellationToken = default)
    {
        Verify(cancellationToken);
        return (_write = SaveAsync(JsonSerializer.SerializeToUtf8Bytes(Value, _json))).WaitAsync(cancellationToken);
    }

    public Task Clear(CancellationToken cancellationToken = default)
    {
        Verify(cancellationToken);
        return (_write = ClearAsync()).WaitAsync(cancellationToken);
    }

    /// <summary>Completes when no write is on its way.</summary>
    public Task Saved() => _write.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task SaveAsync(byte[] payload)
    {
        var version = await Store.Save(Kind, _activation.Key, _version, payload);
        if (version is null) throw Conflict();
        _version = version.Value;
    }

    private async Task ClearAsync()
    {
        if (!await Store.Clear(Kind, _activation.Key, _version)) throw Conflict();
        _version = 0;
        Value = new TState();
    }

    private void Verify(CancellationToken cancellationToken)
    {
        _activation.Scheduler.Verify();
        cancellationToken.ThrowIfCancellationRequested();
        if (IsSaving) throw new InvalidOperationException($"{Kind} {_activation.Key} is being saved already: one save at a time.");
        if (_activation.IsGone) throw Conflict();
    }

    private ClusterException Conflict()
    {
        Log.StateConflict(_activation.Kind.Engine.Logger, Kind, _activation.Key);
        _activation.LeaveWhen(Leave.Now);
        return new ClusterException(ErrorCode.StateConflict, "Something else changed this at the same time. Try again.");
    }
}
