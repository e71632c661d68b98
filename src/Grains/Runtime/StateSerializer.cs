using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Orleans.Storage;

namespace CozeCluster.Grains;

/// <summary>Writes states as JSON without type names, so that types can be renamed, and states can be moved between storages.</summary>
/// <param name="states">The JSON contracts of the state types.</param>
public sealed class StateSerializer(params IEnumerable<IJsonTypeInfoResolver> states) : IGrainStorageSerializer
{
    private readonly JsonSerializerOptions _options = new(StateJson.Default.Options) { TypeInfoResolver = JsonTypeInfoResolver.Combine([.. states]) };

    /// <inheritdoc />
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, _options.GetTypeInfo(typeof(T))));

    /// <inheritdoc />
    /// <exception cref="JsonException">The stored bytes are not a state of this type.</exception>
    public T Deserialize<T>(BinaryData input) => (T)JsonSerializer.Deserialize(input.ToMemory().Span, _options.GetTypeInfo(typeof(T)))!;
}
