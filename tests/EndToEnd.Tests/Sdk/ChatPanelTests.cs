using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>The requests that chat panels and other gateways send besides the conversation itself, as they send them.</summary>
public sealed class ChatPanelTests(NodeFixture node)
{
    [Theory]
    [InlineData("/dashboard/billing/subscription")]
    [InlineData("/v1/dashboard/billing/subscription")]
    [InlineData("/v1/v1/dashboard/billing/subscription")]
    public async Task NextChat_ReadsItsLimit(string path)
    {
        var response = await Get(path);

        Assert.Equal(200, response.Status);
        Assert.True(response.Json.GetProperty("hard_limit_usd").GetDouble() > 0);
    }

    [Theory]
    [InlineData("/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-30")]
    [InlineData("/v1/dashboard/billing/usage")]
    public async Task NextChat_ReadsItsUsage(string path)
    {
        var response = await Get(path);

        Assert.Equal(0, response.Json.GetProperty("total_usage").GetDouble());
    }

    [Theory]
    [InlineData("/dashboard/billing/credit_grants")]
    [InlineData("/v1/dashboard/billing/credit_grants")]
    public async Task Panel_AsksForWhatThereIsNot_GetsAnErrorAndNoQuestionForAPassword(string path)
    {
        using var response = await node.Http.RequestAsync(HttpMethod.Get, path, TestFleet.Key);

        Assert.Equal((404, "application/json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Empty(response.Headers.WwwAuthenticate);
    }

    [Fact]
    public async Task NextChat_StreamsThenAsksForATitleThenSummarizes()
    {
        var model = node.NewModel();
        var chat = node.NewRequest("say=first", model).With(NextChatSettings);
        Assert.Equal("first", (await chat.StreamAsync()).Text);

        var title = node.NewRequest("say=a_title", model).With(NextChatSettings).With(body =>
        {
            var prompt = Message("user", body["messages"]![0]!["content"]!.GetValue<string>());
            body["messages"] = new JsonArray(Message("user", "What is a grain?"), Message("assistant", "An actor."), prompt);
        });
        Assert.Equal("a_title", (await title.StreamAsync()).Text);

        var summary = node.NewRequest("say=a_summary", model).With(NextChatSettings).With(body =>
        {
            var prompt = Message("system", body["messages"]![0]!["content"]!.GetValue<string>());
            body["messages"] = new JsonArray(Message("user", "What is a grain?"), Message("assistant", "An actor."), prompt);
        });
        Assert.Equal("a_summary", (await summary.StreamAsync()).Text);
    }

    [Theory]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"hi"}],"stream":false,"temperature":0,"n":1}""")]
    public async Task OneApi_ProbesAChannel(string probe)
    {
        var body = JsonNode.Parse(probe)!.AsObject();
        body["model"] = node.NewModel();

        var response = await node.Http.RequestJsonAsync(HttpMethod.Post, "/v1/chat/completions", TestFleet.Key, body);

        Assert.Equal(200, response.Status);
        Assert.NotEmpty(response.Text!);
        Assert.True(response.Json.GetProperty("usage").GetProperty("total_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task LobeChat_SendsToolsAndStreamOptions()
    {
        var request = node.NewRequest("say=fine").With(body =>
        {
            body["tools"] = JsonNode.Parse("""[{"type":"function","function":{"name":"lobe____search____builtin","parameters":{"type":"object"}}}]""");
            body["frequency_penalty"] = 0;
            body["presence_penalty"] = 0;
            body["top_p"] = 1;
        });

        var reply = await request.StreamAsync();

        Assert.Equal("fine", reply.Text);
        Assert.Equal("tools", reply.Extension.GetProperty("ignored_fields")[0].GetString());
    }

    [Theory]
    [InlineData("/v1/models")]
    [InlineData("/v1/v1/models")]
    public async Task Panel_ListsModels(string path)
    {
        var response = await Get(path);

        Assert.Equal(200, response.Status);
        Assert.All(response.Json.GetProperty("data").EnumerateArray(), model => Assert.Equal("model", model.GetProperty("object").GetString()));
    }

    private static void NextChatSettings(JsonObject body)
    {
        body["temperature"] = 0.5;
        body["presence_penalty"] = 0;
        body["frequency_penalty"] = 0;
        body["top_p"] = 1;
        body["max_tokens"] = 4000;
    }

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

    private Task<ApiResponse> Get(string path) => node.Http.RequestJsonAsync(HttpMethod.Get, path, TestFleet.Key);
}
