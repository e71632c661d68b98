using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Orleans.Storage;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// Durable state of one activation, written with a version check, under the name of the grain's definition: what is stored holds no name of a type.
/// </summary>
internal sealed class DurableState<TState>(GrainContext context, JsonTypeInfo<TState> json) : IGrainState<TState> where TState : class, new()
{
    private readonly GrainId _id = GrainId.Create(context.Activation.GrainId.Type, StoredState.KeyOf(context.Key));
    private string? _version;
    private Task _write = Task.CompletedTask;

    public TState Value { get; set; } = new();

    public bool Exists => _version is not null;

    private IGrainStorage Storage => context.Silo.Storage;

    public async Task LoadAsync()
    {
        var stored = new GrainState<StoredState>(new StoredState());
        await Storage.ReadStateAsync(context.Name, _id, stored);
        if (!stored.RecordExists) return;
        try
        {
            Value = JsonSerializer.Deserialize(stored.State.Json.Span, json) ?? new TState();
        }
        catch (JsonException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The stored state of {context.Name} {context.Key} cannot be read.", inner: e);
        }
        _version = stored.ETag;
    }

    public Task Save(CancellationToken cancellationToken = default)
    {
        Verify(cancellationToken);
        return (_write = SaveAsync(JsonSerializer.SerializeToUtf8Bytes(Value, json))).WaitAsync(cancellationToken);
    }

    public Task Clear(CancellationToken cancellationToken = default)
    {
        Verify(cancellationToken);
        return (_write = ClearAsync()).WaitAsync(cancellationToken);
    }

    /// <summary>Completes when no write is on its way.</summary>
    public Task SavedAsync() => _write.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task SaveAsync(byte[] payload)
    {
        var stored = new GrainState<StoredState>(new StoredState { Json = payload }, _version!) { RecordExists = Exists };
        try
        {
            await Storage.WriteStateAsync(context.Name, _id, stored);
        }
        catch (Exception e)
        {
            throw e is InconsistentStateException ? Conflict() : Failure.Translate(e);
        }
        _version = stored.ETag;
    }

    private async Task ClearAsync()
    {
        var stored = new GrainState<StoredState>(new StoredState(), _version!) { RecordExists = Exists };
        try
        {
            if (Exists)
            {
                await Storage.ClearStateAsync(context.Name, _id, stored);
            }
            else
            {
                // Nothing was stored, and nothing may be: the provider would delete it.
                await Storage.ReadStateAsync(context.Name, _id, stored);
                if (stored.RecordExists) throw Conflict();
            }
        }
        catch (Exception e)
        {
            throw e is InconsistentStateException ? Conflict() : Failure.Translate(e);
        }
        _version = null;
        Value = new TState();
    }

    private void Verify(CancellationToken cancellationToken)
    {
        context.Verify();
        cancellationToken.ThrowIfCancellationRequested();
        if (!_write.IsCompleted) throw new InvalidOperationException($"{context.Name} {context.Key} is being saved already: one save at a time.");
        if (context.Life.IsGone) throw Conflict();
    }

    private ClusterException Conflict()
    {
        Log.StateConflict(context.Silo.Logger, context.Name, context.Key);
        context.Life.LeaveNow();
        return new ClusterException(ErrorCode.StateConflict, "Something else changed this at the same time. Try again.");
    }
}
