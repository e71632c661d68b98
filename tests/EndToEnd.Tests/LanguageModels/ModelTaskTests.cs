using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.OpenAi;
using OpenAI.Embeddings;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>Embeddings and moderations through the node.</summary>
public sealed class ModelTaskTests(OwnKeyNode node) : IClassFixture<OwnKeyNode>
{
    [Fact]
    public async Task Embeddings_are_those_of_the_server_in_both_encodings()
    {
        // The official client asks for Base64.
        var vectors = (await node.Embeddings.GenerateEmbeddingsAsync(["Hello", "你好"], new EmbeddingGenerationOptions { Dimensions = 5 })).Value;
        var numbers = await node.AskAsync("embeddings", new JsonObject { ["model"] = "vectors", ["input"] = new JsonArray("Hello", "你好"), ["dimensions"] = 5 });

        Assert.Equal("vectors", numbers.Json.Text("model"));
        Assert.Equal(2, vectors.Count);
        for (var i = 0; i < 2; i++)
        {
            var expected = numbers.Json.GetProperty("data")[i].GetProperty("embedding").EnumerateArray().Select(number => number.GetSingle()).ToArray();
            Assert.Equal(expected, vectors[i].ToFloats().ToArray());
            Assert.Equal(5, expected.Length);
        }
        Assert.Equal(numbers.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), vectors.Usage.InputTokenCount);
        Assert.All(node.Fake.Tasks, task => Assert.Equal(FakeOpenAi.Token, task.Token));
        var metrics = string.Concat(await Task.WhenAll(node.Node.Node.Urls.Select(url => node.Node.Http.ReadMetricsAsync(url))));
        Assert.Contains("model=\"vectors\"", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_are_an_input_too()
    {
        var answer = await node.AskAsync("embeddings", new JsonObject { ["model"] = "vectors", ["input"] = new JsonArray(1, 2, 3) });
        Assert.Equal(1, answer.Json.GetProperty("data").GetArrayLength());
        Assert.Contains(node.Fake.Tasks, task => task.Body.Contains("[1,2,3]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Moderations_are_those_of_the_server()
    {
        var checks = (await node.Moderations.ClassifyTextAsync(["I like cats.", "This is violence."])).Value;
        Assert.Equal([false, true], checks.Select(check => check.Flagged));
        Assert.Equal("checks", checks.Model);
    }

    [Theory]
    [InlineData("embeddings", "bot")]
    [InlineData("embeddings", "gpt")]
    [InlineData("embeddings", "checks")]
    [InlineData("moderations", "vectors")]
    public async Task A_model_without_the_task_is_a_400_that_names_the_model(string route, string model)
    {
        var answer = await node.AskAsync(route, new JsonObject { ["model"] = model, ["input"] = "Hello" });
        Assert.Equal((400, "model"), (answer.Status, answer.Error.Text("param")));
    }

    [Fact]
    public async Task A_model_with_another_task_does_not_chat()
    {
        var reply = await node.NewRequest(null, "vectors").CompleteAsync();
        Assert.Equal((400, "model"), (reply.Status, reply.Error.Text("param")));
    }

    [Theory]
    [InlineData("early_error=400", 400, "context_length_exceeded")]
    [InlineData("early_error=429 retry_after=20s", 429, "rate_limit_exceeded")]
    [InlineData("early_error=500", 502, "upstream_error")]
    public async Task A_fault_of_the_server_is_an_error_with_its_status(string directives, int status, string code)
    {
        // A node of its own: faults disable the account.
        await using var alone = new OwnKeyNode();
        await alone.InitializeAsync();
        var answer = await alone.AskAsync("embeddings", new JsonObject { ["model"] = "vectors", ["input"] = $"Hello [[{directives}]]" });
        Assert.Equal((status, code), (answer.Status, answer.Error.Text("code")));
        Assert.Equal(JsonValueKind.Object, answer.Json.GetProperty("error").ValueKind);
    }
}
