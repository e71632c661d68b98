using System.Diagnostics.Metrics;
using System.Net;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Metrics;

public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_OnThisMachine_ContainRequestsAndHealth()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Health.Entries.AddRange(
            [new(HealthKind.Bot, "a", HealthState.Ok), new(HealthKind.Bot, "b", HealthState.Ok), new(HealthKind.Account, "c", HealthState.Cooling)]);
        await host.Http.GetAsync("/v1/models");
        using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };

        using var response = await http.GetAsync("/metrics");

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("# TYPE cozecluster_requests_total counter\n", text, StringComparison.Ordinal);
        Assert.Matches("""cozecluster_requests_total\{method="GET",route="/v1/models",status="200"\} [1-9]""", text);
        Assert.Contains(
            """
            # TYPE cozecluster_health gauge
            cozecluster_health{kind="account",state="cooling"} 1
            cozecluster_health{kind="bot",state="ok"} 2

            """,
            text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x-forwarded-for", "203.0.113.7")]
    [InlineData("forwarded", "for=203.0.113.7")]
    [InlineData("origin", "https://page.example")]
    public async Task Metrics_ForOtherMachines_RequireAnAdminKey(string header, string value)
    {
        await using var host = await GatewayHost.Start();

        async Task<HttpStatusCode> Ask(string? key)
        {
            using var http = new HttpClient { BaseAddress = host.Http.BaseAddress };
            http.DefaultRequestHeaders.Add(header, value);
            if (key is not null) http.DefaultRequestHeaders.Add("x-api-key", key);
            using var response = await http.GetAsync("/metrics");
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(null));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("sk-test"));
        Assert.Equal(HttpStatusCode.OK, await Ask("sk-admin"));
    }

    [Fact]
    public async Task Streams_AreCountedWhileTheyRun()
    {
        await using var host = await GatewayHost.Start();
        var metrics = (GatewayMetrics)host.Services.GetService(typeof(GatewayMetrics))!;
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending;
        using var listener = new MeterListener();
        var change = 0L;
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Interlocked.Add(ref change, value));
        listener.InstrumentPublished = (instrument, listener) =>
        {
            var isOfThisHost = ReferenceEquals(instrument.Meter, metrics.Meter);
            if (isOfThisHost && instrument.Name == "cozecluster.streams.active") listener.EnableMeasurementEvents(instrument);
        };
        listener.Start();

        await conversation.Post(new Cursor(0, 1), Reply.Stop());
        await SseReader.ReadAll(response);

        await Until.True(() => Interlocked.Read(ref change) == -1);
    }

    [Fact]
    public void Collector_WritesAllMeasurements()
    {
        using var collector = new MetricsCollector();
        using var meter = new Meter(MetricsCollector.MeterName);
        var name = "cozecluster.test.added";
        var counter = meter.CreateCounter<long>(name, description: "A test.");
        var updown = meter.CreateUpDownCounter<long>("cozecluster.test.changed", description: "Another.");
        var observed = new List<Measurement<long>> { new(3, new KeyValuePair<string, object?>("at", "x")) };
        meter.CreateObservableGauge("cozecluster.test.observed", () => observed, description: "A third.");

        counter.Add(2, new KeyValuePair<string, object?>("code", "a\"b\\c\nd"));
        counter.Add(3, new KeyValuePair<string, object?>("code", "a\"b\\c\nd"));
        updown.Add(5);
        updown.Add(-1);
        var first = Lines(collector.Write());
        observed.Clear();
        var second = Lines(collector.Write());

        Assert.Equal(
            [
                "# HELP cozecluster_test_added_total A test.", "# TYPE cozecluster_test_added_total counter",
                """cozecluster_test_added_total{code="a\"b\\c\nd"} 5""",
                "# HELP cozecluster_test_changed Another.", "# TYPE cozecluster_test_changed gauge",
                "cozecluster_test_changed 4",
                "# HELP cozecluster_test_observed A third.", "# TYPE cozecluster_test_observed gauge",
                """cozecluster_test_observed{at="x"} 3""",
            ],
            first);
        Assert.DoesNotContain(second, line => line.Contains("observed", StringComparison.Ordinal));
    }

    private static string[] Lines(string text) => [.. text.Split('\n').Where(line => line.Contains("cozecluster_test_", StringComparison.Ordinal))];
}
