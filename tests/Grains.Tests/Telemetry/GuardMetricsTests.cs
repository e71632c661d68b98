using System.Diagnostics.Metrics;
using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Telemetry;

/// <summary>The gauges of breakers and limits have what is not in good order now, and nothing else.</summary>
public sealed class GuardMetricsTests : IDisposable
{
    private static readonly Error Down = new(ErrorCode.UpstreamUnavailable, "Down.");
    private static readonly Error Broken = new(ErrorCode.UpstreamFailed, "Failed.");

    private readonly string _id = Guid.NewGuid().ToString();
    private readonly ManualTime _time = new();
    private readonly MeterListener _listener = new();
    private readonly List<string> _read = [];
    private readonly BotBreakers _breakers;
    private int _turns;

    public GuardMetricsTests()
    {
        _breakers = new BotBreakers(_time);
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument is ObservableGauge<long> { Meter.Name: "CozeCluster" }) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var labels = tags.ToArray();
            // Other tests report at the same time.
            if (labels.All(label => !Equals(label.Value, _id))) return;
            var shown = labels.Where(label => !Equals(label.Value, _id)).Select(label => $" {label.Key}={label.Value}");
            _read.Add($"{instrument.Name}{string.Concat(shown)}: {value}");
        });
        _listener.Start();
    }

    public void Dispose()
    {
        GuardMetrics.SetBreakers(_id, [], _time);
        _listener.Dispose();
    }

    [Fact]
    public void Breakers_OfABotThatFails_AreOpenThenHalfOpenThenGone()
    {
        Assert.Empty(Read());

        for (var i = 0; i < 2 * Breaker.Threshold; i++) Fail(i % 2 == 0 ? "a" : "b", Down);
        Assert.Equal(["cozecluster.breakers scope=all state=open: 1"], Read());

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["cozecluster.breakers scope=all state=half_open: 1"], Read());

        var probe = Begin("a");
        _breakers.RecordSuccess(probe);
        Report();
        Assert.Empty(Read());
        Assert.False(GuardMetrics.HasBreaker(_id));
    }

    [Fact]
    public void Breakers_OfTenants_AreCountedWithoutTheirNames()
    {
        foreach (var tenant in (string[])["a", "b"])
        {
            for (var i = 0; i < Breaker.Threshold; i++) Fail(tenant, Broken);
        }

        Assert.Equal(["cozecluster.breakers scope=tenant state=open: 2"], Read());
    }

    [Fact]
    public void Pause_ThatTheUpstreamDeclared_IsGoneWhenItIsOver()
    {
        Fail("a", Down with { Until = _time.GetUtcNow().AddMinutes(5) });
        Assert.Equal(["cozecluster.breakers scope=all state=open: 1"], Read());

        _time.Advance(TimeSpan.FromMinutes(5));

        Assert.Empty(Read());
    }

    [Fact]
    public void Limit_ThatHasRefused_IsReachedForAMinute()
    {
        GuardMetrics.LimitReached("tenant", _id, _time);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(["cozecluster.limits.reached of=tenant: 1"], Read());

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Empty(Read());
    }

    private List<string> Read()
    {
        _read.Clear();
        _listener.RecordObservableInstruments();
        return [.. _read];
    }

    private string Begin(string tenant)
    {
        var lease = $"{++_turns}.1";
        _breakers.Enter(lease, tenant);
        return lease;
    }

    private void Fail(string tenant, Error error)
    {
        var lease = Begin(tenant);
        _breakers.RecordFailure(lease, error);
        _breakers.Leave(lease);
        Report();
    }

    // As the grain of the bot does.
    private void Report() => GuardMetrics.SetBreakers(_id, _breakers.ListStates(), _time);
}
