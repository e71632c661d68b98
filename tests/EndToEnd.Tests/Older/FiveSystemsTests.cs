using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>One node with an endpoint for each of the five older systems.</summary>
public sealed class FiveSystemsNode : OlderNode
{
    protected override string Endpoints => """
          - { id: cdp, path: /cdp, compat: cdp }
          - { id: ccp, path: /ccp, compat: ccp }
          - { id: cdb, path: /cdb, compat: cdb, options: { default_model: gpt-3.5-turbo } }
          - { id: rca, path: /rca, compat: rca, options: { model: gpt-3.5-turbo } }
          - { id: aiproxy, path: /aiproxy, compat: aiproxy, options: { coze_model: gpt-3.5-turbo } }

        """;
}

/// <summary>The older systems disagree about the same addresses: each endpoint answers as its own does, at the same time.</summary>
public sealed class FiveSystemsTests(FiveSystemsNode node) : IClassFixture<FiveSystemsNode>
{
    private const string Chat = """{"model":"gpt-3.5-turbo","stream":false,"messages":[{"role":"user","content":"Hi [[say=fine]]"}]}""";
    private static readonly (string, string) Key = ("Authorization", "Bearer " + TestFleet.Key);
    private static readonly (string, string) Json = ("Content-Type", "application/json");

    [Fact]
    public async Task Each_endpoint_answers_at_the_same_address_as_its_own_system()
    {
        string[] paths = ["/cdp", "/ccp", "/cdb", ""];
        var answers = await Task.WhenAll(paths.Select(path => node.AskAsync("POST", path + "/v1/chat/completions", Chat, Key, Json)));

        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        var (cdp, ccp, cdb, standard) = (Choice(answers[0].Json), Choice(answers[1].Json), Choice(answers[2].Json), Choice(answers[3].Json));
        Assert.Equal(("fine", true), (cdp.GetProperty("message").Text("content"), answers[0].Json.TryGetProperty("suggestions", out _)));
        Assert.Equal("fine", ccp.GetProperty("message").Text("content"));
        Assert.Equal("fine", cdb.GetProperty("delta").Text("content"));
        Assert.Equal(("fine", true), (standard.GetProperty("message").Text("content"), answers[3].Json.TryGetProperty("cozecluster", out _)));
        Assert.All(answers.Take(3), answer => Assert.False(answer.Json.TryGetProperty("cozecluster", out _)));
    }

    [Fact]
    public async Task Each_endpoint_refuses_a_wrong_key_as_its_own_system()
    {
        var wrong = ("Authorization", "Bearer nobody-has-this-key");
        var cdp = await node.AskAsync("POST", "/cdp/v1/chat/completions", Chat, wrong, Json);
        var ccp = await node.AskAsync("POST", "/ccp/v1/chat/completions", Chat, wrong, Json);
        var cdb = await node.AskAsync("POST", "/cdb/api/Chat", """{"prompt":"Hi"}""", wrong, Json);
        var rca = await node.AskAsync("POST", "/rca/", """[{"role":2,"content":"Hi","contentType":1}]""", wrong, Json);
        var standard = await node.AskAsync("POST", "/v1/chat/completions", Chat, wrong, Json);

        Assert.Equal((401, "invalid_authorization"), (cdp.Status, cdp.Json.Get("error").Text("code")));
        Assert.Equal((401, "invalid_api_key"), (ccp.Status, ccp.Json.Text("code")));
        Assert.Equal((403, 403), (cdb.Status, cdb.Json.GetProperty("code").GetInt32()));
        Assert.False(rca.Json.GetProperty("success").GetBoolean());
        Assert.Equal((401, "invalid_api_key"), (standard.Status, standard.Json.Get("error").Text("code")));
    }

    [Theory]
    [InlineData("/cdp", 404)]
    [InlineData("/ccp", 200)]
    [InlineData("/cdb", 200)]
    [InlineData("/rca", 200)]
    [InlineData("/aiproxy", 404)]
    [InlineData("", 404)]
    public async Task The_root_is_that_of_each_system(string path, int status)
    {
        using var response = await node.SendAsync("GET", path + "/");

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("/cdp", "/api/channel/del/1", "/ccp", "/cdb", "/rca", "")]
    [InlineData("/aiproxy", "/ping", "/ccp", "/rca", "")]
    public async Task A_route_of_one_system_is_unknown_to_the_others(string own, string route, params string[] others)
    {
        using var answer = await node.SendAsync("GET", own + route);
        Assert.NotEqual(404, (int)answer.StatusCode);
        foreach (var other in others)
        {
            using var refusal = await node.SendAsync("GET", other + route, null, Key);
            Assert.Equal(404, (int)refusal.StatusCode);
        }
    }

    private static JsonElement Choice(JsonElement json) => json.GetProperty("choices")[0];
}
