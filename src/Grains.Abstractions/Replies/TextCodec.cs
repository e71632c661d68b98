using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.WireProtocol;

namespace CozeCluster;

/// <summary>
/// A slice of characters in a message. It is a type of its own because Orleans looks up codecs of generic types by their definition: a codec registered for
/// <c>ReadOnlyMemory&lt;char&gt;</c> is not found, and the one for any <c>ReadOnlyMemory&lt;T&gt;</c> writes a field for each character.
/// </summary>
internal readonly record struct TextSlice(ReadOnlyMemory<char> Characters);

/// <summary>
/// Writes a slice as UTF-16 units, least significant byte first. So half a surrogate pair is kept, nothing is converted, and Chinese text takes less space than in UTF-8.
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
