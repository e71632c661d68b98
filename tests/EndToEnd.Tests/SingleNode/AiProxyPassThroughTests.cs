using System.Net;
using System.Text.Json;
using CozeCluster.EndToEnd.Tests.Older;
using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>
/// Requests that a node passes to providers with the keys of the fleet, as aiproxy did. A gateway of a cluster does not: it cannot open the keys.
/// </summary>
public sealed class AiProxyPassThroughTests(AiProxyNode node) : IClassFixture<AiProxyNode>
{
    private const string OpenAiChat = AiProxyNode.Open + "/v1/chat/completions";

    private static (string, string) Rich => ("x-auth-id", "10001");

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/c/v1/chat/completions")]
    [InlineData("/v1/v1/chat/completions")]
    public async Task OpenAI_answers_with_its_own_stream_and_the_key_of_the_fleet(string path)
    {
        var prompt = AiProxyNode.NewPrompt("text=unicode chunks=30 chunk=3 seed=8");
        using var response = await node.PostAsync(AiProxyNode.Open + path, Completion(prompt, stream: true), Rich);
        var reply = await AiProxyReply.ReadAsync(response);

        var completion = Assert.Single(node.Sandbox.OpenAi.Completions, completion => completion.Body.Contains(prompt[..20], StringComparison.Ordinal));
        Assert.Equal(FakeOpenAi.Token, completion.Token);
        Assert.Equal(completion.Reply, string.Concat(reply.Chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
            .Select(choice => choice.GetProperty("delta").Text("content"))));
        Assert.True(reply.IsDone);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("10001", response.Headers.GetValues("x-auth-id").Single());
    }

    [Fact]
    public async Task Every_body_reaches_the_provider_as_it_is()
    {
        var prompt = AiProxyNode.NewPrompt("say=ok");
        var body = $$"""{ "model" : "{{FakeOpenAi.Model}}" , "messages":[{"role":"user","content":"{{prompt}}"}], "a_field_of_tomorrow": [1.0, null] }""";
        using var response = await node.PostAsync(OpenAiChat, body, Rich);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, Assert.Single(node.Sandbox.OpenAi.Completions, completion => completion.Body.Contains(prompt[..20])).Body);
    }

    [Fact]
    public async Task Claude_and_Gemini_answer_in_their_own_forms()
    {
        var prompt = AiProxyNode.NewPrompt("say=Hello");
        using var claude = await node.SendAsync(
            HttpMethod.Post, AiProxyNode.Open + "/claude/api/v1/messages",
            $$"""{"model":"claude-sonnet-4-6","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"{{prompt}}"}]}""", "application/json");
        var events = await claude.Content.ReadAsStringAsync(TestTimeout.Token);
        Assert.Contains("event: message_stop", events, StringComparison.Ordinal);
        Assert.Equal(FakeClaude.Key, Assert.Single(node.Sandbox.Claude.Messages, message => message.Body.Contains(prompt[..20])).Key);

        using var gemini = await node.SendAsync(
            HttpMethod.Post, AiProxyNode.Open + "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=a-key-of-nobody",
            $$"""{"contents":[{"role":"user","parts":[{"text":"{{prompt}}"}]}]}""", "application/json");
        Assert.Contains("\"candidates\"", await gemini.Content.ReadAsStringAsync(TestTimeout.Token), StringComparison.Ordinal);
        Assert.Equal(FakeGemini.Key, Assert.Single(node.Sandbox.Gemini.Calls, call => call.Prompt.Contains(prompt[..20], StringComparison.Ordinal)).Key);
    }

    [Fact]
    public async Task Key_of_the_node_is_taken_where_clients_of_Gemini_put_theirs()
    {
        Assert.Equal(200, await StatusAsync($"?key={TestFleet.Key}"));
        Assert.Equal(200, await StatusAsync("", ("x-goog-api-key", TestFleet.Key)));
        Assert.Equal(401, await StatusAsync(""));
        Assert.Equal(401, await StatusAsync("?key=wrong"));
        Assert.Equal(403, await StatusAsync($"?key={TestFleet.OtherKey}"));

        async Task<int> StatusAsync(string query, params (string, string)[] headers)
        {
            using var response = await node.SendAsync(HttpMethod.Get, AiProxyNode.Keyed + "/gemini/v1beta/models" + query, headers: headers);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Errors_of_the_provider_come_as_they_are()
    {
        using var response = await node.PostAsync(OpenAiChat, Completion("Hi"), ("x-auth-id", "poor"));

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement.GetProperty("error");
        Assert.Equal((429, "insufficient_quota"), ((int)response.StatusCode, error.Text("code")));
    }

    [Fact]
    public async Task Accounts_are_used_in_turn_without_x_auth_id()
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < 4; i++)
        {
            using var response = await node.SendAsync(HttpMethod.Get, AiProxyNode.Open + "/v1/models");
            seen.Add(response.Headers.GetValues("x-auth-id").Single());
        }
        Assert.Equal(["10001", "poor"], seen.Order());

        using var unknown = await node.SendAsync(HttpMethod.Get, AiProxyNode.Open + "/v1/models", headers: ("x-auth-id", "10002"));
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
    }

    [Fact]
    public async Task Abort_of_the_client_reaches_the_provider()
    {
        var prompt = AiProxyNode.NewPrompt("chunks=2000 chunk=2 pace=20ms");
        using (var response = await node.PostAsync(OpenAiChat, Completion(prompt, stream: true), Rich))
        {
            var stream = await response.Content.ReadAsStreamAsync(TestTimeout.Token);
            Assert.True(await stream.ReadAsync(new byte[64], TestTimeout.Token) > 0);
        }

        var fake = node.Sandbox.OpenAi;
        await fake.WaitForAsync(() => fake.Completions.Any(completion => completion.ClientGone && completion.Body.Contains(prompt[..20])), TestTimeout.Token);
    }

    [Fact]
    public async Task Stream_that_breaks_at_the_provider_breaks_at_the_client()
    {
        using var response = await node.PostAsync(
            OpenAiChat, Completion(AiProxyNode.NewPrompt("chunks=9 disconnect_after=3"), stream: true), Rich);
        var reply = await AiProxyReply.ReadAsync(response);

        Assert.NotEmpty(reply.Records);
        Assert.True(reply.IsCut);
        Assert.False(reply.IsDone);
    }

    [Fact]
    public async Task Passed_requests_count_against_the_limit_of_the_tenant()
    {
        var key = ("Authorization", $"Bearer {TestFleet.NarrowKey}");
        var prompt = AiProxyNode.NewPrompt("chunks=2000 chunk=2 pace=20ms");
        using var running = await node.PostAsync(OpenAiChat, Completion(prompt, stream: true), key, Rich);
        Assert.Equal(HttpStatusCode.OK, running.StatusCode);

        using var refused = await node.PostAsync(OpenAiChat, Completion("Hi"), key, Rich);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
    }

    [Fact]
    public async Task Answer_without_a_body_stays_without_one()
    {
        // The fake OpenAI has no such route.
        using var response = await node.SendAsync(HttpMethod.Get, AiProxyNode.Open + "/v1/of-tomorrow");

        Assert.Equal((HttpStatusCode.NotFound, ""), (response.StatusCode, await response.Content.ReadAsStringAsync(TestTimeout.Token)));
    }

    private static string Completion(string prompt, bool stream = false) =>
        $$"""{"model":"{{FakeOpenAi.Model}}","messages":[{"role":"user","content":"{{prompt}}"}],"stream":{{(stream ? "true" : "false")}}}""";
}
