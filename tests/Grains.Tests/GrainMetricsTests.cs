using System.Diagnostics.Metrics;

namespace CozeCluster.Grains.Tests;

/// <summary>Tests the instruments and labels of grains. The gateway's tests have the names under which Prometheus gets them.</summary>
public sealed class GrainMetricsTests : IDisposable
{
    private readonly string _label = Guid.NewGuid().ToString();
    private readonly List<string> _counted = [];
    private readonly MeterListener _listener = new();

    public GrainMetricsTests()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument is Counter<long> { Meter.Name: "CozeCluster" }) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            // Other tests count at the same time, with other labels.
            if (!Equals(tags[0].Value, _label)) return;
            var more = string.Concat(tags[1..].ToArray().Select(tag => $" {tag.Key}={tag.Value}"));
            _counted.Add($"{instrument.Name} {tags[0].Key}{more}: {value}");
        });
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void Turns_AreCountedByModelWithTheirTokens()
    {
        GrainMetrics.TurnStarted(_label);
        GrainMetrics.TurnEnded(_label, new ReplyCompleted(FinishReason.Stop, null, null), new Usage(3, 4, 7));
        GrainMetrics.TurnEnded(_label, new ReplyFailed(new Error(ErrorCode.Cancelled, "Stopped."), null), null);

        Assert.Equal(
            [
                "cozecluster.turns.started model: 1",
                "cozecluster.turns.completed model: 1", "cozecluster.tokens model direction=input: 3", "cozecluster.tokens model direction=output: 4",
                "cozecluster.turns.failed model code=cancelled: 1",
            ],
            _counted);
    }

    [Fact]
    public void Bots_AreCountedById()
    {
        GrainMetrics.ReplyCut(_label);
        GrainMetrics.KeptActive(_label, null);
        GrainMetrics.KeptActive(_label, new Error(ErrorCode.Cancelled, "Stopped."));

        Assert.Equal(
            ["cozecluster.cuts bot: 1", "cozecluster.keep_active bot outcome=answered: 1", "cozecluster.keep_active bot outcome=cancelled: 1"], _counted);
    }
}
