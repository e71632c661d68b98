using System.Diagnostics.Metrics;
using System.Net.Http.Headers;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Metrics;

/// <summary>Tests how instruments of grains and upstreams are exported.</summary>
public sealed class MetricsExportTests
{
    /// <summary>The names and labels in the table of <c>docs/operations.md</c>. <c>MetricsTests</c> has those of the gateway itself.</summary>
    [Theory]
    [InlineData("cozecluster.turns.started", """cozecluster_turns_started_total{model="a"}""", "model")]
    [InlineData("cozecluster.turns.completed", """cozecluster_turns_completed_total{model="a"}""", "model")]
    [InlineData("cozecluster.turns.failed", """cozecluster_turns_failed_total{code="b",model="a"}""", "model", "code")]
    [InlineData("cozecluster.tokens", """cozecluster_tokens_total{direction="b",model="a"}""", "model", "direction")]
    [InlineData("cozecluster.cuts", """cozecluster_cuts_total{bot="a"}""", "bot")]
    [InlineData("cozecluster.discord.replies", """cozecluster_discord_replies_total{bot="a",end="b"}""", "bot", "end")]
    [InlineData("cozecluster.attempts", """cozecluster_attempts_total{outcome="b",upstream="a"}""", "upstream", "outcome")]
    [InlineData("cozecluster.refusals", """cozecluster_refusals_total{by="a",code="b"}""", "by", "code")]
    [InlineData("cozecluster.breakers.opened", """cozecluster_breakers_opened_total{scope="a"}""", "scope")]
    [InlineData("cozecluster.keep_active", """cozecluster_keep_active_total{bot="a",outcome="b"}""", "bot", "outcome")]
    public async Task Counters_HaveTheirDocumentedNamesAndLabels(string instrument, string series, params string[] labels)
    {
        await using var host = await GatewayHost.Start();
        using var meter = new Meter(MetricsExport.MeterName);
        var counter = meter.CreateCounter<long>(instrument, description: "A test.");

        counter.Add(2, Tags(labels));
        counter.Add(3, Tags(labels));

        var name = series[..series.IndexOf('{')];
        Assert.Equal(
            [$"# HELP {name} A test.", $"# TYPE {name} counter", $"{series} 5"],
            (await Read(host)).Split('\n').Where(line => line.Contains(name, StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task LabelValues_AreEscaped()
    {
        await using var host = await GatewayHost.Start();
        using var meter = new Meter(MetricsExport.MeterName);

        meter.CreateCounter<long>("cozecluster.test.escaped").Add(1, new KeyValuePair<string, object?>("code", "a\"b\\c\nd"));

        Assert.Contains("""cozecluster_test_escaped_total{code="a\"b\\c\nd"} 1""", await Read(host), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenMetricsRequested_TheTextFormatIsReturnedWithoutOtherSeries()
    {
        await using var host = await GatewayHost.Start();
        await host.Http.GetAsync("/v1/models");
        host.Http.DefaultRequestHeaders.Accept.Add(MediaTypeWithQualityHeaderValue.Parse("application/openmetrics-text; version=1.0.0; escaping=allow-utf-8"));

        using var response = await host.GetMetrics();

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        var text = await response.Content.ReadAsStringAsync();
        Assert.All(text.Split('\n').Where(line => line is not ("" or ['#', ..])), line => Assert.Matches(@"^cozecluster_\w+(?<!_created)\{", line));
        Assert.DoesNotContain("otel_", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FiveOutcomesOf10000Bots_AreSeparateAndFurtherOnesAreCountedTogether()
    {
        await using var host = await GatewayHost.Start();
        using var meter = new Meter(MetricsExport.MeterName);
        var counter = meter.CreateCounter<long>("cozecluster.test.many");
        for (var bot = 0; bot < 10_000; bot++)
        {
            for (var outcome = 0; outcome < 5; outcome++) counter.Add(1, new("bot", $"bot-{bot}"), new("outcome", $"{outcome}"));
        }
        var all = Samples(await Read(host));

        counter.Add(1, new("bot", "another"), new("outcome", "0"));
        counter.Add(1, new("bot", "another"), new("outcome", "1"));
        counter.Add(1, new("bot", "bot-9999"), new("outcome", "4"));
        var more = Samples(await Read(host));

        Assert.Equal(50_000, all.Count);
        Assert.All(all, line => Assert.EndsWith("} 1", line, StringComparison.Ordinal));
        Assert.Equal(
            ["""cozecluster_test_many_total{bot="bot-9999",outcome="4"} 2""", """cozecluster_test_many_total{otel_metric_overflow="true"} 2"""],
            more.Except(all).Order(StringComparer.Ordinal));
    }

    private static KeyValuePair<string, object?>[] Tags(string[] labels) =>
        [.. labels.Zip(["a", "b"], (label, value) => new KeyValuePair<string, object?>(label, value))];

    private static HashSet<string> Samples(string text) =>
        [.. text.Split('\n').Where(line => line.StartsWith("cozecluster_test_many_total{", StringComparison.Ordinal))];

    private static async Task<string> Read(GatewayHost host)
    {
        using var response = await host.GetMetrics();
        return await response.Content.ReadAsStringAsync();
    }
}
