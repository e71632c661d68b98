using Npgsql;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace CozeCluster.Storage;

/// <summary>
/// Orleans' AdoNet storage with these changes: a state is serialized before the first await; keys that look like numbers or GUIDs are kept apart; the state of a grain that is
/// called for the first time ever is not read; a read that loses its connection is repeated; clearing a state that this grain has never stored is a conflict if another activation
/// has stored one; exceptions are translated.
/// </summary>
/// <param name="adoNet">The storage of Orleans, for <see cref="StoredPayload"/>s.</param>
/// <param name="serializer">Serializes states.</param>
/// <param name="activators">Create new states.</param>
/// <param name="time">Measures the pause between two reads.</param>
internal sealed class PostgresGrainStorage(IGrainStorage adoNet, IGrainStorageSerializer serializer, IActivatorProvider activators, TimeProvider time) : IGrainStorage
{
    /// <summary>The name that Orleans' storage is registered under.</summary>
    public const string AdoNet = "AdoNet";

    /// <summary>How often a read is repeated: if it fails, the activation fails, and Orleans delays the callers of the grain by 5 s.</summary>
    private const int ReadRetries = 2;

    private static readonly TimeSpan ReadPause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A grain's key as stored. Orleans stores a key that looks like a number or a GUID as such, so that "12" and "012" share a row; with a prefix no key does.
    /// </summary>
    public static string StoredKey(string key) => "=" + key;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translating(stateName, grainId, async () =>
    {
        if (FirstCall.Activates(grainId) || await ReadAsync(stateName, grainId).ConfigureAwait(false) is not { RecordExists: true } stored)
        {
            grainState.Reset(activators);
            return;
        }
        grainState.State = serializer.Deserialize<T>(stored.State!.Content)!;
        CopyVersion(stored, grainState);
    });

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translating(stateName, grainId, async () =>
    {
        // On the caller's thread: Orleans' storage serializes on another one when it has a connection, while the grain may change the state.
        var payload = new StoredPayload { Content = serializer.Serialize(grainState.State) };
        var stored = new GrainState<StoredPayload>(payload) { ETag = grainState.ETag, RecordExists = grainState.RecordExists };
        await adoNet.WriteStateAsync(stateName, StoredId(grainId), stored).ConfigureAwait(false);
        CopyVersion(stored, grainState);
    });

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translating(stateName, grainId, async () =>
    {
        if (!string.IsNullOrEmpty(grainState.ETag))
            await adoNet.ClearStateAsync(stateName, StoredId(grainId), grainState).ConfigureAwait(false);
        else if ((await ReadAsync(stateName, grainId).ConfigureAwait(false)).RecordExists)
            throw StorageErrors.Conflict(stateName, grainId, null);
        else
            grainState.Reset(activators);
    });

    private async Task<GrainState<StoredPayload>> ReadAsync(string stateName, GrainId grainId)
    {
        for (var retries = 0; ; retries++)
        {
            try
            {
                var stored = new GrainState<StoredPayload>();
                await adoNet.ReadStateAsync(stateName, StoredId(grainId), stored).ConfigureAwait(false);
                return stored;
            }
            // A timeout is transient too, but the callers have waited long enough.
            catch (NpgsqlException e) when (e is { IsTransient: true, InnerException: not TimeoutException } && retries < ReadRetries)
            {
                await Task.Delay(ReadPause, time).ConfigureAwait(false);
            }
        }
    }

    private static GrainId StoredId(GrainId grainId) => GrainId.Create(grainId.Type, StoredKey(grainId.Key.ToString()!));

    private static void CopyVersion<T>(GrainState<StoredPayload> stored, IGrainState<T> grainState)
    {
        grainState.ETag = stored.ETag;
        grainState.RecordExists = stored.RecordExists;
    }
}
