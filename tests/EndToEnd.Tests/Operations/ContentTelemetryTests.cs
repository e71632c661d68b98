using System.Text;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Operations;

/// <summary>Prompts and replies in what a node or a cluster sends to a collector of OpenTelemetry.</summary>
public sealed class ContentTelemetryTests
{
    private const string Input = "gen_ai.input.messages";
    private const string Output = "gen_ai.output.messages";
    private const string Tenant = "/admin/v1/fleet/tenants/main";

    private static readonly JsonObject On = new() { ["telemetry_content"] = true };

    [Fact]
    public async Task Prompts_and_replies_are_sent_for_the_tenants_that_want_it_and_for_no_others()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await StartAsync(collector, "--genai-telemetry");

        var without = await AskAsync(node, collector, TestFleet.Key);
        var with = await AskAsync(node, collector, TestFleet.NarrowKey);

        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        AssertAbsent(collector, without);
        Assert.Contains(with.Prompt, with.Span.Attributes[Input], StringComparison.Ordinal);
        Assert.Contains(with.Reply, with.Span.Attributes[Output], StringComparison.Ordinal);
        Assert.Equal(
            [with.Span.Id], collector.Spans.Where(span => span.Attributes.Keys.Any(name => name is Input or Output)).Select(span => span.Id));
        Assert.Single(collector.Bodies, body => Contains(body, with.Reply));
    }

    [Fact]
    public async Task Only_an_owner_switches_it_on_and_a_change_needs_no_restart()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await StartAsync(collector, "--genai-telemetry");
        var before = await AskAsync(node, collector, TestFleet.Key);
        Assert.Equal(200, await SendAsync(node, HttpMethod.Post, $"{Tenant}/release", TestFleet.OperatorKey, new JsonObject()));

        foreach (var key in (string[])[TestFleet.Key, TestFleet.TenantAdminKey, TestFleet.OtherTenantAdminKey, TestFleet.ViewerKey, TestFleet.OperatorKey])
        {
            Assert.Equal(403, await SendAsync(node, HttpMethod.Patch, Tenant, key, On));
            Assert.Equal(403, await SendAsync(node, HttpMethod.Put, Tenant, key, On));
        }
        // Tenant admins make keys, and nothing in a key does it.
        var madeKey = new JsonObject { ["name"] = "mine", ["telemetry_content"] = true };
        Assert.Equal(400, await SendAsync(node, HttpMethod.Post, $"{Tenant}/keys", TestFleet.TenantAdminKey, madeKey));
        var refused = await AskAsync(node, collector, TestFleet.Key);

        Assert.Equal(200, await SendAsync(node, HttpMethod.Patch, Tenant, TestFleet.AdminKey, On));
        var shown = await node.Http.RequestJsonAsync(HttpMethod.Get, "/admin/v1/tenants/main", TestFleet.TenantAdminKey);
        Assert.True(shown.Json.GetProperty("tenant").GetProperty("telemetry_content").GetBoolean());
        var export = await node.Http.RequestJsonAsync(HttpMethod.Get, "/admin/v1/fleet", TestFleet.AdminKey);
        var exported = export.Json.GetProperty("tenants").EnumerateArray().Where(tenant => tenant.TryGetProperty("telemetry_content", out _));
        Assert.Equal(["main", "narrow"], exported.Select(tenant => tenant.Text("id")).Order());
        var asked = await AskUntilAsync(node, collector, isExported: true);
        Assert.Contains(asked.Prompt, asked.Span.Attributes[Input], StringComparison.Ordinal);

        Assert.Equal(200, await SendAsync(node, HttpMethod.Patch, Tenant, TestFleet.OperatorKey, new JsonObject { ["telemetry_content"] = null }));
        var after = await AskUntilAsync(node, collector, isExported: false);

        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        AssertAbsent(collector, before);
        AssertAbsent(collector, refused);
        AssertAbsent(collector, after);
    }

    [Theory]
    [InlineData(null, "parentbased_always_on")]
    [InlineData("--genai-telemetry", "always_off")]
    public async Task Without_names_for_generative_AI_or_a_trace_nothing_is_sent(string? argument, string sampler)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        var environment = collector.Environment;
        environment["OTEL_TRACES_SAMPLER"] = sampler;
        await using var node = await StartAsync(environment, argument is null ? [] : [argument]);

        var request = NewRequest(node, TestFleet.NarrowKey);
        var reply = await request.StreamAsync();

        await collector.WaitAsync(received => received.Series.Any(series => series.Name == "cozecluster.turn.first_text"));
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        Assert.Equal(sampler == "always_off", collector.Spans.Count == 0);
        foreach (var text in (string[])[request.Prompt, reply.Text]) Assert.DoesNotContain(collector.Bodies, body => Contains(body, text));
    }

    [Fact]
    public async Task A_long_history_is_cut()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await StartAsync(collector, "--genai-telemetry");
        var old = new string('字', 60_000);
        var request = NewRequest(node, TestFleet.NarrowKey).With(body => body["messages"] = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = old },
            new JsonObject { ["role"] = "assistant", ["content"] = old },
            body["messages"]![0]!.DeepClone()));

        var asked = await AskAsync(node, collector, request);

        Assert.Contains(asked.Prompt, asked.Span.Attributes[Input], StringComparison.Ordinal);
        Assert.InRange(asked.Span.Attributes[Input].Length, 1, 9_000);
    }

    [Fact]
    public async Task A_reply_that_is_read_again_after_a_crash_is_sent()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await StartAsync(collector, "--genai-telemetry");
        var request = NewRequest(node, TestFleet.NarrowKey, "chunks=30 pace=50ms");
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);

        await node.CrashAsync();

        await collector.WaitAsync(received => received.Spans.Any(IsResumed));
        var answer = Assert.Single(request.Chat.Answers);
        Assert.Contains(answer, collector.Spans.First(IsResumed).Attributes[Output], StringComparison.Ordinal);

        bool IsResumed(OtlpSpan span) => span.Attributes.GetValueOrDefault("cozecluster.attempt") == "0"
            && span.Attributes.GetValueOrDefault("cozecluster.turn.id") == open.Reply.TurnId;
    }

    private static ChatRequest NewRequest(SandboxNode node, string key, string directives = "")
    {
        var request = node.NewRequest(directives.Length > 0 ? directives : $"say=reply-{Guid.NewGuid():n}");
        request.Key = key;
        return request;
    }

    private static Task<Asked> AskAsync(SandboxNode node, OtlpReceiver collector, string key) => AskAsync(node, collector, NewRequest(node, key));

    /// <summary>Runs a turn, and waits for the span of its attempt.</summary>
    private static async Task<Asked> AskAsync(SandboxNode node, OtlpReceiver collector, ChatRequest request)
    {
        var reply = await request.StreamAsync();
        await collector.WaitAsync(received => received.Spans.Any(IsAttempt));
        return new Asked(request.Prompt.Split(' ')[0], reply.Text, collector.Spans.First(IsAttempt));

        bool IsAttempt(OtlpSpan span) => span.Name == "invoke_agent bot" && span.Attributes["cozecluster.turn.id"] == reply.TurnId;
    }

    /// <summary>Runs turns until one is exported, or is not: other nodes learn of a change within a second.</summary>
    private static async Task<Asked> AskUntilAsync(SandboxNode node, OtlpReceiver collector, bool isExported)
    {
        while (true)
        {
            var asked = await AskAsync(node, collector, TestFleet.Key);
            if (asked.Span.Attributes.ContainsKey(Output) == isExported) return asked;
        }
    }

    private static async Task<int> SendAsync(SandboxNode node, HttpMethod method, string path, string key, JsonObject body)
    {
        var headers = new Dictionary<string, string>();
        if (method != HttpMethod.Post) headers["If-Match"] = "*";
        using var response = await node.Http.RequestAsync(method, path, key, body.DeepClone(), headers, TestTimeout.Token);
        return (int)response.StatusCode;
    }

    private static void AssertAbsent(OtlpReceiver collector, Asked asked)
    {
        Assert.DoesNotContain(asked.Span.Attributes.Keys, name => name is Input or Output);
        foreach (var text in (string[])[asked.Prompt, asked.Reply]) Assert.DoesNotContain(collector.Bodies, body => Contains(body, text));
    }

    private static bool Contains(byte[] body, string text) => body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    private static Task<SandboxNode> StartAsync(OtlpReceiver collector, params string[] arguments) => StartAsync(collector.Environment, arguments);

    // The fleet file lets the tenant 'narrow' be exported.
    private static Task<SandboxNode> StartAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments) => SandboxNode.StartAsync(
        (sandbox, _) => new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString()
            .Replace("max_concurrent_turns: 1", "telemetry_content: true", StringComparison.Ordinal),
        arguments: arguments, environment: environment);

    /// <summary>A turn.</summary>
    /// <param name="Prompt">The beginning of its prompt, which is unique.</param>
    /// <param name="Reply">Its reply, which is unique.</param>
    /// <param name="Span">The span of its attempt.</param>
    private sealed record Asked(string Prompt, string Reply, OtlpSpan Span);
}
