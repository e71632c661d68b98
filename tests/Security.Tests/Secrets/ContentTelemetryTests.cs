using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Security.Tests.Secrets;

/// <summary>Prompts and replies that are exported with traces have no secret, whatever an upstream repeats and whatever a client writes.</summary>
public sealed class ContentTelemetryTests
{
    private const string Token = "Canary/token+of=account?1177";
    private const string OwnKey = "Canary/own+key=of~tenant?2288";

    [Fact]
    public async Task Exported_replies_of_an_upstream_that_repeats_everything_have_no_secret()
    {
        await using var server = await Trap.StartAsync(Repeat);
        await using var collector = await OtlpReceiver.StartAsync();
        await using var node = await SandboxNode.StartAsync(
            (_, _) => new TestFleet()
                .AddLanguageModel("echo", "openai", server.Url, "some-model", Token).AddModel("echo", "echo")
                .AddOwnKeyModel("own", "openai", server.Url, "some-model").AddModel("own", "own")
                .ToString().Replace("max_concurrent_turns: 1", "telemetry_content: true", StringComparison.Ordinal),
            arguments: ["--start-grace", "60s", "--genai-telemetry"],
            environment: collector.Environment);
        var clientKey = NewApiKey.Create().Text;

        foreach (var model in (string[])["echo", "own"])
        {
            var request = new ChatRequest(node.Http, coze: null, model, $"my key is {clientKey}, my picture https://x.example/a?sign=Canary-sign")
            {
                Key = TestFleet.NarrowKey,
            };
            if (model == "own") request.WithHeader("x-upstream-authorization", $"openai {OwnKey}");
            var reply = await request.StreamAsync();
            // The client receives what the upstream says.
            Assert.Contains(model == "own" ? OwnKey : Token, reply.Text, StringComparison.Ordinal);
        }

        await collector.WaitAsync(received => received.Spans.Any(span => span.Name == "chat echo") && received.Spans.Any(span => span.Name == "chat own"));
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));
        foreach (var span in collector.Spans.Where(span => span.Name is "chat echo" or "chat own"))
        {
            Assert.Contains("my key is (token)", span.Attributes["gen_ai.input.messages"], StringComparison.Ordinal);
            Assert.Contains("I heard <(token)>", span.Attributes["gen_ai.output.messages"], StringComparison.Ordinal);
        }
        byte[] received = [.. collector.Bodies.SelectMany(body => body)];
        foreach (var secret in (string[])[Token, OwnKey, clientKey, "Canary-sign", TestFleet.NarrowKey, TestFleet.AdminKey])
            Assert.Null(SecretForms.Find(received, secret));
    }

    private static async Task Repeat(HttpContext context)
    {
        var token = context.Request.Headers.Authorization.ToString().Split(' ')[^1];
        context.Response.ContentType = "text/event-stream";
        var piece = Chunk(new JsonObject { ["content"] = $"I heard <{token}>." }, null);
        await context.Response.WriteAsync($"data: {piece}\n\ndata: {Chunk(new JsonObject(), "stop")}\n\ndata: [DONE]\n\n", Encoding.UTF8);
    }

    private static string Chunk(JsonObject delta, string? reason) => new JsonObject
    {
        ["id"] = "c", ["object"] = "chat.completion.chunk", ["created"] = 1, ["model"] = "some-model",
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = reason }),
    }.ToJsonString();
}
