using System.Buffers;
using System.Text;

namespace CozeCluster.Drill;

/// <summary>One event of a stream.</summary>
/// <param name="Id">The id; null if the event has none.</param>
/// <param name="Data">The data.</param>
internal readonly record struct StreamEvent(string? Id, string Data);

/// <summary>Reads server-sent events from bytes that arrive in pieces of any size. An event without its final blank line is ignored.</summary>
internal sealed class EventParser
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly StringBuilder _data = new();
    private string? _id;
    private bool _hasData;

    /// <summary>Takes bytes that have arrived, and calls back for each event that they complete.</summary>
    /// <exception cref="InvalidDataException">A line is not one that the gateway writes.</exception>
    public void Read(ReadOnlySpan<byte> bytes, Action<StreamEvent> onEvent)
    {
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            if (end < 0)
            {
                _line.Write(bytes);
                return;
            }
            _line.Write(bytes[..end]);
            ReadLine(Strict.GetString(_line.WrittenSpan), onEvent);
            _line.ResetWrittenCount();
            bytes = bytes[(end + 1)..];
        }
    }

    private void ReadLine(string line, Action<StreamEvent> onEvent)
    {
        if (line.Length == 0)
        {
            if (_hasData) onEvent(new StreamEvent(_id, _data.ToString()));
            _data.Clear();
            (_id, _hasData) = (null, false);
        }
        else if (line.StartsWith("id: ", StringComparison.Ordinal))
        {
            _id = line[4..];
        }
        else if (line.StartsWith("data: ", StringComparison.Ordinal))
        {
            if (_hasData) _data.Append('\n');
            _data.Append(line, 6, line.Length - 6);
            _hasData = true;
        }
        else if (line[0] != ':')
        {
            throw new InvalidDataException($"This is not a line of an event stream: {line}");
        }
    }
}
