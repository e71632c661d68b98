using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Load;

/// <summary>The result of a run.</summary>
internal sealed record LoadResult
{
    public required string Name { get; init; }
    public required string Target { get; init; }
    public required int Streams { get; init; }
    public required double PaceMs { get; init; }
    public required double Seconds { get; init; }

    /// <summary>Deltas as the sandbox sent them, counted by their text: a server that joins several deltas gets credit for all of them.</summary>
    public required long Chunks { get; init; }

    /// <summary>The events that contained them.</summary>
    public required long Events { get; init; }

    public required long Replies { get; init; }
    public required double FirstTextP50Ms { get; init; }
    public required double FirstTextP99Ms { get; init; }
    public required double LagP50Ms { get; init; }
    public required double LagP99Ms { get; init; }

    /// <summary>Seconds of processor time of the server during the measurement.</summary>
    public required double ServerCpu { get; init; }

    /// <summary>Seconds of processor time of the upstream during the measurement.</summary>
    public required double UpstreamCpu { get; init; }

    /// <summary>Seconds of processor time of this program during the measurement.</summary>
    public required double LoadCpu { get; init; }

    /// <summary>The growth of the server's resident memory per stream, in bytes.</summary>
    public required double MemoryPerStream { get; init; }

    public required int Errors { get; init; }
    public required IReadOnlyDictionary<string, int> ErrorKinds { get; init; }

    [JsonIgnore]
    public double ChunksPerSecond => Chunks / Seconds;

    [JsonIgnore]
    public double RepliesPerSecond => Replies / Seconds;

    [JsonIgnore]
    public double CpuPerChunkMicros => Chunks == 0 ? 0 : ServerCpu / Chunks * 1e6;

    [JsonIgnore]
    public double CpuPerReplyMicros => Replies == 0 ? 0 : ServerCpu / Replies * 1e6;

    public string ToText()
    {
        var text = new StringBuilder();
        Line($"{Name}, {Target}: {Streams} streams, pace {PaceMs} ms, {Seconds:f1} s");
        Line($"  deltas        {Chunks,12} {ChunksPerSecond,12:f0} /s   in {Events} events");
        Line($"  replies       {Replies,12} {RepliesPerSecond,12:f1} /s");
        Line($"  first text    {FirstTextP50Ms,12:f2} {FirstTextP99Ms,12:f2} ms   p50, p99");
        Line($"  lag           {LagP50Ms,12:f2} {LagP99Ms,12:f2} ms   p50, p99");
        Line($"  cpu           {CpuPerChunkMicros,12:f2} {CpuPerReplyMicros,12:f1} µs   of the server per delta, per reply");
        Line($"  cores         {ServerCpu / Seconds,12:f2} {UpstreamCpu / Seconds,12:f2} {LoadCpu / Seconds,12:f2}   server, upstream, load");
        Line($"  memory        {MemoryPerStream / 1024,12:f1} KiB per stream");
        Line($"  errors        {Errors,12}");
        foreach (var (kind, count) in ErrorKinds) Line($"    {count} × {kind}");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
    }

    public string ToJson() => JsonSerializer.Serialize(this, LoadJson.Default.LoadResult);

    public static LoadResult FromJson(string json) => JsonSerializer.Deserialize(json, LoadJson.Default.LoadResult)!;
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(LoadResult))]
internal sealed partial class LoadJson : JsonSerializerContext;
