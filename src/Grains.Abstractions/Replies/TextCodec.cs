using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.WireProtocol;

namespace CozeCluster;

/// <summary>
/// Characters of a message. This type exists because Orleans looks up codecs of generic types by their open type: it does not find a codec that is registered
/// for <c>ReadOnlyMemory&lt;char&gt;</c>, and the codec for <c>ReadOnlyMemory&lt;T&gt;</c> writes a field for each character.
/// </summary>
internal readonly record struct TextSlice(ReadOnlyMemory<char> Characters);

/// <summary>
/// Writes text as UTF-16 units in little-endian order. This keeps half surrogate pairs, needs no conversion, and takes less space for Chinese text than UTF-8.
/// </summary>
[RegisterSerializer]
[SuppressMessage("Performance", "CA1812", Justification = "Created by Orleans.")]
internal sealed class TextCodec : IFieldCodec<TextSlice>
{
    public void WriteField<TBufferWriter>(ref Writer<TBufferWriter> writer, uint fieldIdDelta, [AllowNull] Type expectedType, TextSlice value)
        where TBufferWriter : IBufferWriter<byte>
    {
        ReferenceCodec.MarkValueField(writer.Session);
        writer.WriteFieldHeader(fieldIdDelta, expectedType, typeof(TextSlice), WireType.LengthPrefixed);
        var bytes = MemoryMarshal.AsBytes(value.Characters.Span);
        writer.WriteVarUInt32((uint)bytes.Length);
        writer.Write(bytes);
    }

    public TextSlice ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        ReferenceCodec.MarkValueField(reader.Session);
        field.EnsureWireType(WireType.LengthPrefixed);
        var length = reader.ReadVarUInt32();
        if (length % sizeof(char) != 0) throw new InvalidDataException($"A text of {length} bytes is not a whole number of UTF-16 units.");
        reader.EnsureAvailable(length);
        var characters = new char[length / sizeof(char)];
        reader.ReadBytes(MemoryMarshal.AsBytes(characters.AsSpan()));
        return new TextSlice(characters);
    }
}

/// <summary>Writes text as a JSON string.</summary>
public sealed class TextConverter : JsonConverter<ReadOnlyMemory<char>>
{
    /// <inheritdoc />
    public override ReadOnlyMemory<char> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString().AsMemory();

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<char> value, JsonSerializerOptions options) => writer.WriteStringValue(value.Span);
}
