using System.Globalization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace CozeCluster.Storage;

/// <summary>
/// Stores grain states by state name and grain key, so two grain classes must not use the same state name. The ETag is the version of the record. A write that
/// has begun is never cancelled, because its outcome would be unknown.
/// </summary>
internal sealed class SqliteGrainStorage(SqliteStore store, IGrainStorageSerializer serializer, IActivatorProvider activators) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translate(stateName, grainId, () =>
    {
        if (FirstCall.Activates(grainId) || store.Read(reader => reader.ReadState(stateName, GetKey(grainId))) is not { } stored)
        {
            grainState.Reset(activators);
            return Task.CompletedTask;
        }
        grainState.State = serializer.Deserialize<T>(new BinaryData(stored.Payload));
        SetVersion(grainState, stored.Version);
        return Task.CompletedTask;
    });

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translate(stateName, grainId, async () =>
    {
        var payload = serializer.Serialize(grainState.State).ToArray();
        var version = await store.Save(stateName, GetKey(grainId), GetVersion(grainState), payload).ConfigureAwait(false);
        SetVersion(grainState, version ?? throw StorageErrors.Conflict(stateName, grainId, grainState.ETag));
    });

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => StorageErrors.Translate(stateName, grainId, async () =>
    {
        if (!await store.Clear(stateName, GetKey(grainId), GetVersion(grainState)).ConfigureAwait(false))
            throw StorageErrors.Conflict(stateName, grainId, grainState.ETag);
        grainState.Reset(activators);
    });

    private static string GetKey(GrainId grainId) => grainId.Key.ToString()!;

    private static long GetVersion<T>(IGrainState<T> grainState) =>
        string.IsNullOrEmpty(grainState.ETag) ? 0 : long.Parse(grainState.ETag, CultureInfo.InvariantCulture);

    private static void SetVersion<T>(IGrainState<T> grainState, long version)
    {
        grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = true;
    }
}
