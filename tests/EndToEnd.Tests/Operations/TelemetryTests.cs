using System.Text;

namespace CozeCluster.EndToEnd.Tests.Operations;

/// <summary>What a node or a cluster sends to a collector of OpenTelemetry.</summary>
public sealed class TelemetryTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Caller = "b7ad6b7169203331";

    [Fact]
    public async Task A_turn_is_one_trace_from_the_request_of_the_client_to_the_upstream()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await StartAsync(collector);
        await node.NewRequest("chunks=3").WithHeader("traceparent", $"00-{new string('1', 32)}-{Caller}-00").StreamAsync();

        await node.NewRequest("chunks=3").WithHeader("traceparent", $"00-{Trace}-{Caller}-01").WithHeader("tracestate", "vendor=text-of-a-client")
            .WithHeader("baggage", "note=text-of-a-client").StreamAsync();

        await collector.WaitAsync(received => Find(received, "turn") is not null && Find(received, "POST /v1/chat/completions") is not null
            && Find(received, "attempt") is not null && Find(received, "upstream request") is not null);
        var request = Find(collector, "POST /v1/chat/completions")!;
        Assert.Equal(Caller, request.ParentId);
        var turn = Find(collector, "turn")!;
        Assert.Equal(request.Id, turn.ParentId);
        var attempt = Find(collector, "attempt")!;
        Assert.Equal(turn.Id, attempt.ParentId);
        Assert.Equal(attempt.Id, Find(collector, "upstream request")!.ParentId);
        Assert.Equal(turn.Attributes["cozecluster.turn.id"], request.Attributes["cozecluster.turn.id"]);
        Assert.Equal(("coze", "bot", "1"), (
            attempt.Attributes["cozecluster.upstream"], attempt.Attributes["cozecluster.bot.id"], attempt.Attributes["cozecluster.attempt"]));
        Assert.Contains(collector.Spans, span => span.TraceId == Trace && span.Name.StartsWith("IConversationGrain/", StringComparison.Ordinal));
        // Neither the turn that its client does not want traced, nor the node's own calls.
        Assert.All(collector.Spans, span => Assert.Equal((Trace, ""), (span.TraceId, span.State)));
        Assert.DoesNotContain(collector.Bodies, body => body.AsSpan().IndexOf("text-of-a-client"u8) >= 0);
    }

    [Fact]
    public async Task Metrics_of_turns_and_of_Orleans_are_sent_without_labels_for_users_or_texts()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await StartAsync(collector, "--genai-telemetry");
        var request = node.NewRequest("chunks=5 pace=100ms").With(body => body["user"] = "user-of-the-client");

        var reply = await request.StreamAsync();

        string[] histograms =
        [
            "cozecluster.turn.first_text", "cozecluster.upstream.first_text", "cozecluster.turn.overhead", "cozecluster.turn.deltas", "cozecluster.turn.queued",
            "gen_ai.client.token.usage", "gen_ai.client.operation.duration", "gen_ai.server.time_to_first_token",
        ];
        await collector.WaitAsync(received => histograms.All(name => received.Series.Any(series => series.Name == name && series.Count > 0)));
        Assert.Contains(collector.Series, series => series.Name == "cozecluster.attempts" && series.Attributes["outcome"] == "ok");
        Assert.Contains(collector.Series, series => series.Name.StartsWith("orleans-", StringComparison.Ordinal));
        await collector.WaitAsync(received => received.Spans.Any(span => span.Name == "invoke_agent bot"));
        Assert.Equal("coze", collector.Spans.First(span => span.Name == "invoke_agent bot").Attributes["gen_ai.provider.name"]);
        foreach (var text in (string[])[request.Prompt, reply.Text, TestFleet.Key, "pat_sandbox", "user-of-the-client"])
            Assert.DoesNotContain(collector.Bodies, body => body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_collector_that_does_not_answer_disturbs_no_turn(bool isThere)
    {
        await using var collector = await OtlpReceiver.StartAsync(isSilent: true);
        var environment = collector.Environment;
        if (!isThere) environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1";
        await using var node = await StartAsync(environment);

        for (var turn = 0; turn < 5; turn++)
        {
            var request = node.NewRequest("chunks=3");
            var reply = await request.StreamAsync();
            Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
        }

        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
    }

    [Fact]
    public async Task Without_traces_the_metrics_are_still_sent()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        var environment = collector.Environment;
        environment["OTEL_TRACES_SAMPLER"] = "always_off";
        await using var node = await StartAsync(environment);

        await node.NewRequest("chunks=3").StreamAsync();

        await collector.WaitAsync(received => received.Series.Any(series => series.Name == "cozecluster.turn.first_text"));
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        Assert.Empty(collector.Spans);
    }

    private static OtlpSpan? Find(OtlpReceiver collector, string name) =>
        collector.Spans.SingleOrDefault(span => span.TraceId == Trace && span.Name == name);

    private static Task<SandboxNode> StartAsync(OtlpReceiver collector, params string[] arguments) => StartAsync(collector.Environment, arguments);

    private static Task<SandboxNode> StartAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments) => SandboxNode.StartAsync(
        (sandbox, _) => new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString(), arguments: arguments, environment: environment);
}
