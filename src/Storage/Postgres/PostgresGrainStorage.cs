using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace CozeCluster.Storage;

/// <summary>Orleans' AdoNet storage with some changes.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>A state is serialized before the first await.</item>
/// <item>Keys that look like numbers or GUIDs are stored as texts, so that each key has its own row.</item>
/// <item>The state of a grain that is called for the first time ever is not read.</item>
/// <item>A read that loses its connection is retried.</item>
/// <item>Clearing a state that this activation has never stored is a conflict if another activation has stored one.</item>
/// <item>Exceptions are translated.</item>
/// </list>
/// </remarks>
/// <param name="adoNet">Orleans' storage; it stores <see cref="StoredPayload"/>s.</param>
/// <param name="serializer">Serializes states.</param>
/// <param name="activators">Creates new states.</param>
/// <param name="time">Measures the delay between two reads.</param>
/// <param name="database">Is notified of failures.</param>
internal sealed class PostgresGrainStorage(
    IGrainStorage adoNet, IGrainStorageSerializer serializer, IActivatorProvider activators, TimeProvider time, PostgresDatabase database)
    : IGrainStorage
{
    /// <summary>The name under which Orleans' storage is registered.</summary>
    public const string AdoNet = "AdoNet";

    /// <summary>
    /// The text that is stored for a grain's key. Orleans stores a key that looks like a number or a GUID as such, so that "12" and "012" would share a row. No
    /// key looks so behind a prefix.
    /// </summary>
    public static string ToStoredKey(string key) => "=" + key;

    /// <summary>The grain's key for a stored text.</summary>
    public static string FromStoredKey(string storedKey) => storedKey[1..];

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translate(stateName, grainId, async () =>
    {
        if (FirstCall.Activates(grainId) || await ReadAsync(stateName, grainId).ConfigureAwait(false) is not { RecordExists: true } stored)
        {
            grainState.Reset(activators);
            return;
        }
        grainState.State = serializer.Deserialize<T>(stored.State!.Content)!;
        CopyVersion(stored, grainState);
    });

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translate(stateName, grainId, async () =>
    {
        // Serialized on the caller's thread: Orleans' storage serializes later, on another thread, while the grain may change the state.
        var payload = new StoredPayload { Content = serializer.Serialize(grainState.State) };
        var stored = new GrainState<StoredPayload>(payload) { ETag = grainState.ETag, RecordExists = grainState.RecordExists };
        await database.WatchAsync(() => adoNet.WriteStateAsync(stateName, ToStoredId(grainId), stored)).ConfigureAwait(false);
        CopyVersion(stored, grainState);
    });

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translate(stateName, grainId, async () =>
    {
        if (!string.IsNullOrEmpty(grainState.ETag))
            await database.WatchAsync(() => adoNet.ClearStateAsync(stateName, ToStoredId(grainId), grainState)).ConfigureAwait(false);
        else if ((await ReadAsync(stateName, grainId).ConfigureAwait(false)).RecordExists)
            throw StorageErrors.Conflict(stateName, grainId, null);
        else
            grainState.Reset(activators);
    });

    private Task<GrainState<StoredPayload>> ReadAsync(string stateName, GrainId grainId) => database.WatchAsync(() => PostgresReads.RetryAsync(
        async () =>
        {
            var stored = new GrainState<StoredPayload>();
            await adoNet.ReadStateAsync(stateName, ToStoredId(grainId), stored).ConfigureAwait(false);
            return stored;
        },
        time));

    private static GrainId ToStoredId(GrainId grainId) => GrainId.Create(grainId.Type, ToStoredKey(grainId.Key.ToString()!));

    private static void CopyVersion<T>(GrainState<StoredPayload> stored, IGrainState<T> grainState)
    {
        grainState.ETag = stored.ETag;
        grainState.RecordExists = stored.RecordExists;
    }
}

/// <summary>A state that is serialized already, as Orleans' storage receives and returns it.</summary>
internal sealed class StoredPayload
{
    public required BinaryData Content { get; init; }

    /// <summary>Returns the content of payloads without changing it.</summary>
    public sealed class Serializer : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => ((StoredPayload)(object)input!).Content;

        public T Deserialize<T>(BinaryData input) => (T)(object)new StoredPayload { Content = input };
    }
}
