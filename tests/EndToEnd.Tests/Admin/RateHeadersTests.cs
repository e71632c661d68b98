using System.Text.Json.Nodes;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.Admin;

/// <summary>Every answer to a prompt says what is left of the limits per minute, and so does every refusal by a limit or a budget.</summary>
public sealed class RateHeadersTests
{
    [Fact]
    public async Task Answers_and_refusals_have_the_headers()
    {
        await using var node = await SandboxNode.StartAsync(static (sandbox, _) =>
        {
            var (coze, openAi) = (new Uri(sandbox.BaseUrl, "coze"), new Uri(sandbox.BaseUrl, "openai/v1"));
            return new TestFleet()
                .AddAccount("account", coze, "pat_sandbox").AddBot("helper", Bots.One, "account").AddModel("bot", "helper")
                .AddLanguageModel("embed", "openai", openAi, FakeOpenAi.EmbeddingModel, FakeOpenAi.Token, "task: embeddings").AddModel("vectors", "embed")
                .AddLanguageModel("check", "openai", openAi, FakeOpenAi.ModerationModel, FakeOpenAi.Token, "task: moderations").AddModel("checks", "check")
                .ToString()
                .Replace("- id: main", "- id: main\n    limits: { requests_per_minute: 7, daily: { requests: 4 } }", StringComparison.Ordinal);
        });

        var answers = new List<string>();
        foreach (var (path, body) in new (string, string)[]
        {
            ("chat/completions", Chat("false")), ("chat/completions", Chat("true")), ("embeddings", """{"model":"vectors","input":"a"}"""),
            ("moderations", """{"model":"checks","input":"a"}"""),
            // The budget is used up, and then the limit per minute.
            ("embeddings", """{"model":"vectors","input":"a"}"""), ("chat/completions", Chat("false")),
            ("embeddings", """{"model":"vectors","input":"a"}"""), ("moderations", """{"model":"checks","input":"a"}"""), ("chat/completions", Chat("true")),
        })
        {
            using var response = await node.Http.RequestAsync(HttpMethod.Post, $"/v1/{path}", TestFleet.Key, JsonNode.Parse(body));
            await response.Content.ReadAsStringAsync(TestTimeout.Token);
            var limit = Header(response, "limit");
            answers.Add($"{path} {((int)response.StatusCode == 429 ? "429" : "ok")} {Header(response, "remaining")}/{limit}");
            Assert.True(limit == "-" || Header(response, "reset") != "-");
        }

        Assert.Equal(
            [
                "chat/completions ok 6/7", "chat/completions ok 5/7", "embeddings ok 4/7", "moderations ok 3/7",
                "embeddings 429 2/7", "chat/completions 429 1/7", "embeddings 429 0/7", "moderations 429 0/7", "chat/completions 429 0/7",
            ],
            answers);
    }

    private static string Chat(string stream) => $$"""{"model":"bot","stream":{{stream}},"messages":[{"role":"user","content":"say=Hi"}]}""";

    private static string Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues($"x-ratelimit-{name}-requests", out var values) ? values.Single() : "-";
}
