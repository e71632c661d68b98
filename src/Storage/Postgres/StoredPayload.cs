using Orleans.Storage;

namespace CozeCluster.Storage;

/// <summary>A state that is serialized already, as Orleans' storage receives and returns it.</summary>
internal sealed class StoredPayload
{
    public required BinaryData Content { get; init; }

    /// <summary>Passes the content of payloads on as it is.</summary>
    public sealed class Serializer : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => ((StoredPayload)(object)input!).Content;

        public T Deserialize<T>(BinaryData input) => (T)(object)new StoredPayload { Content = input };
    }
}
