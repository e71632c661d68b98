using Orleans.Storage;

namespace CozeCluster.Engine.Orleans;

/// <summary>A state as stored: JSON, written and read by the grain's own definition.</summary>
internal sealed class StoredState
{
    public ReadOnlyMemory<byte> Json { get; set; }

    /// <summary>
    /// The key as stored: the storage provider reads keys that look like numbers or GUIDs as such, and would keep "12" and "012" in one row. None looks so behind this.
    /// </summary>
    public static string KeyOf(string key) => "=" + key;
}

/// <summary>Hands stored bytes through the storage provider as they are.</summary>
internal sealed class StoredStateSerializer : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T input) => input is StoredState state ? new BinaryData(state.Json) : throw Unknown<T>();

    public T Deserialize<T>(BinaryData input) => new StoredState { Json = input.ToMemory() } is T state ? state : throw Unknown<T>();

    private static NotSupportedException Unknown<T>() => new($"{typeof(T)} is not stored here: grains keep state through their context.");
}
