using System.Text.Json;
using Orleans.Storage;

namespace CozeCluster.Storage.Tests;

/// <summary>JSON without type names, as in the product.</summary>
internal sealed class TestSerializer : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input));

    public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span)!;
}
