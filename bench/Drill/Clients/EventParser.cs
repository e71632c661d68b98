using System.Buffers;
using System.Text;

namespace CozeCluster.Drill;

/// <summary>One event of a stream.</summary>
/// <param name="Id">Its id line; null if it has none.</param>
/// <param name="Data">Its data.</param>
internal readonly record struct StreamEvent(string? Id, string Data);

/// <summary>Reads server-sent events off bytes that come in any pieces. What is not ended by a blank line never happened.</summary>
internal sealed class EventParser
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly StringBuilder _data = new();
    private string? _id;
    private bool _hasData;

    /// <summary>Takes what has arrived; calls back for every event that is complete by it.</summary>
    /// <exception cref="InvalidDataException">These are no events as the gateway writes them.</exception>
    public void Read(ReadOnlySpan<byte> bytes, Action<StreamEvent> take)
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
            Line(Strict.GetString(_line.WrittenSpan), take);
            _line.ResetWrittenCount();
            bytes = bytes[(end + 1)..];
        }
    }

    private void Line(string line, Action<StreamEvent> take)
    {
        if (line.Length == 0)
        {
            if (_hasData) take(new StreamEvent(_id, _data.ToString()));
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
            throw new InvalidDataException($"not a line of an event stream: {line}");
        }
    }
}
