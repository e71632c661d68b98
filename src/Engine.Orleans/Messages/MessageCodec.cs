using System.Buffers;
using System.Text;
using System.Text.Json;
using Orleans.Serialization;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.WireProtocol;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// Writes messages as the JSON of <see cref="CozeCluster.Messages.MessagesJson"/> behind a name of our own: so no name of a type is on the wire, and nodes of two
/// versions understand each other as far as the JSON does. Messages are immutable, so that no copies are made within a process.
/// </summary>
internal sealed class MessageCodec(MessageTypes types) : IGeneralizedCodec, IGeneralizedCopier, ITypeFilter
{
    /// <summary>How Orleans' wire format knows this codec.</summary>
    public const uint WellKnownId = 0x436f7a65;

    public bool IsSupportedType(Type type) => type == typeof(MessageCodec) || types.Find(type) is not null;

    public bool? IsTypeAllowed(Type type) => IsSupportedType(type) ? true : null;

    public void WriteField<TBufferWriter>(ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type expectedType, object value) where TBufferWriter : IBufferWriter<byte>
    {
        if (ReferenceCodec.TryWriteReferenceField(ref writer, fieldIdDelta, expectedType, value)) return;
        var type = types.Find(value.GetType())!;
        var payload = JsonSerializer.SerializeToUtf8Bytes(value, type.Json);
        writer.WriteFieldHeader(fieldIdDelta, expectedType, typeof(MessageCodec), WireType.LengthPrefixed);
        writer.WriteVarUInt32((uint)(1 + type.Utf8Name.Length + payload.Length));
        writer.WriteByte((byte)type.Utf8Name.Length);
        writer.Write(type.Utf8Name);
        writer.Write(payload);
    }

    public object ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        if (field.IsReference) return ReferenceCodec.ReadReference(ref reader, field.FieldType!);
        field.EnsureWireType(WireType.LengthPrefixed);
        var length = (int)reader.ReadVarUInt32();
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var bytes = buffer.AsSpan(0, length);
            reader.ReadBytes(bytes);
            var name = bytes.Slice(1, bytes[0]);
            var type = types.Find(name) ?? throw new InvalidOperationException($"A message of kind {Encoding.UTF8.GetString(name)} is not known here: some node is of a newer version.");
            var value = JsonSerializer.Deserialize(bytes[(1 + name.Length)..], type.Json)!;
            ReferenceCodec.RecordObject(reader.Session, value);
            return value;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public object? DeepCopy(object? input, CopyContext context) => input;
}
