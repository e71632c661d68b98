using System.Globalization;

namespace CozeCluster.Sandbox.Coze;

/// <summary>Ids as Coze's: 19 digits, sent as strings. They hold the start time, so that two runs never give out the same one.</summary>
internal sealed class CozeIds(TimeProvider time)
{
    // Two digits for the kind, ten for the second the server started, seven to count (with room to overflow into the seconds).
    private readonly long _start = time.GetUtcNow().ToUnixTimeSeconds() * 10_000_000;
    private long _count;

    public string Chat() => Next(71);
    public string Conversation() => Next(72);
    public string Message() => Next(73);
    public string Section() => Next(74);
    public string File() => Next(75);
    public string ToolCall() => Next(76);

    /// <summary>Id of one request, for <c>x-tt-logid</c>.</summary>
    public string Log() => Next(77);

    private string Next(long kind) => (kind * 100_000_000_000_000_000 + _start + Interlocked.Increment(ref _count)).ToString(CultureInfo.InvariantCulture);
}
