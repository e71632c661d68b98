using System.Buffers.Binary;
using System.Text;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A message of Protocol Buffers, read without its definition: its fields by number.</summary>
internal sealed class OtlpMessage
{
    private readonly List<(int Number, object Value)> _fields = [];

    public OtlpMessage(ReadOnlyMemory<byte> bytes)
    {
        var rest = bytes;
        while (rest.Length > 0)
        {
            var tag = ReadNumber(ref rest);
            var number = (int)(tag >> 3);
            _fields.Add((number, (tag & 7) switch
            {
                0 => ReadNumber(ref rest),
                1 => Take(ref rest, 8),
                2 => Take(ref rest, (int)ReadNumber(ref rest)),
                5 => Take(ref rest, 4),
                var type => throw new InvalidDataException($"Field {number} has the wire type {type}."),
            }));
        }
    }

    /// <summary>All messages with this number.</summary>
    public IEnumerable<OtlpMessage> All(int number) => Bytes(number).Select(bytes => new OtlpMessage(bytes));

    /// <summary>The text with this number; empty if there is none.</summary>
    public string Text(int number) => Encoding.UTF8.GetString(Bytes(number).FirstOrDefault().Span);

    /// <summary>The bytes with this number in hexadecimal; empty if there are none.</summary>
    public string Hex(int number) => Convert.ToHexStringLower(Bytes(number).FirstOrDefault().Span);

    /// <summary>The whole number with this number; 0 if there is none.</summary>
    public ulong Number(int number) => _fields.Where(field => field.Number == number).Select(field => field.Value).OfType<ulong>().FirstOrDefault();

    /// <summary>The number of eight bytes with this number; 0 if there is none.</summary>
    public ulong Fixed(int number) => Bytes(number).FirstOrDefault() is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span) : 0;

    /// <summary>The attributes with this number, as texts.</summary>
    public IReadOnlyDictionary<string, string> Attributes(int number) => All(number)
        .ToDictionary(pair => pair.Text(1), pair => pair.All(2).Select(ValueText).FirstOrDefault(""), StringComparer.Ordinal);

    private IEnumerable<ReadOnlyMemory<byte>> Bytes(int number) =>
        _fields.Where(field => field.Number == number).Select(field => field.Value).OfType<ReadOnlyMemory<byte>>();

    private static string ValueText(OtlpMessage value) => value._fields switch
    {
        [(1, _)] => value.Text(1),
        [(4, _)] => BitConverter.UInt64BitsToDouble(value.Fixed(4)).ToString(System.Globalization.CultureInfo.InvariantCulture),
        [(_, ulong number)] => $"{number}",
        _ => "",
    };

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> rest, int length)
    {
        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    private static ulong ReadNumber(ref ReadOnlyMemory<byte> rest)
    {
        var number = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = rest.Span[0];
            rest = rest[1..];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return number;
        }
    }
}
