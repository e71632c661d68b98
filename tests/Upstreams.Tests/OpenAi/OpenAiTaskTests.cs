using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>Embeddings and moderations at a server.</summary>
public sealed class OpenAiTaskTests
{
    private const string Answer =
        """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1e-3],"model":"inner"}],"""
        + "\"model\":\"text-3\",\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}";

    [Theory]
    [InlineData(ModelTask.Embeddings, "/v1/embeddings")]
    [InlineData(ModelTask.Moderations, "/v1/moderations")]
    public async Task Run_Request_HasTheModelTheFieldsOfTheClientAndThoseOfTheBot(ModelTask task, string path)
    {
        await using var server = await WireServer.Start(Answer);
        var options = new Dictionary<string, string> { ["field.input_type"] = "\"query\"", ["field.dimensions"] = "4", ["send_user"] = "true" };
        var answer = await Run(server, task, """{"input":["a"],"dimensions":8}""", options: options);

        var request = Assert.Single(server.Requests);
        Assert.Equal(("POST", path, "Bearer sk-of-the-account"), (request.Method, request.Path, request.Authorization));
        Assert.Equal("""{"model":"text-3","input":["a"],"user":"t:u","input_type":"query","dimensions":4}""", request.Text);
        Assert.Equal(Answer.Replace("\"text-3\"", "\"vectors 你好\"", StringComparison.Ordinal), Encoding.UTF8.GetString(answer.Body));
        Assert.Equal(new Usage(5, 0, 5), answer.Usage);
    }

    [Theory]
    [InlineData("""{"model":"m"}""", """{"model":"vectors 你好"}""")]
    [InlineData("""{ "data":[] }""", """{"model":"vectors 你好", "data":[] }""")]
    [InlineData("""{"results":[{"model":"x"}]}""", """{"model":"vectors 你好","results":[{"model":"x"}]}""")]
    [InlineData("""{ "results" : [ {"model":"x"} ], "model" : null }""", """{ "results" : [ {"model":"x"} ], "model" : "vectors 你好" }""")]
    [InlineData("""{"model":"a\"b","usage":null}""", """{"model":"vectors 你好","usage":null}""")]
    [InlineData("""{"usage":{"prompt_tokens":"many","more":{"total_tokens":1}},"model":"m"}""",
        """{"usage":{"prompt_tokens":"many","more":{"total_tokens":1}},"model":"vectors 你好"}""")]
    public async Task Run_UnusualAnswers_KeepEverythingButTheModel(string body, string expected)
    {
        await using var server = await WireServer.Start(body);
        var answer = await Run(server);
        Assert.Equal((expected, null), (Encoding.UTF8.GetString(answer.Body), answer.Usage));
    }

    [Theory]
    [InlineData("", 200, ErrorCode.UpstreamProtocol)]
    [InlineData("[]", 200, ErrorCode.UpstreamProtocol)]
    [InlineData("""{"data":{}}""", 200, ErrorCode.UpstreamProtocol)]
    [InlineData("""{"data":[],"error":{"message":"No.","code":"rate_limit_exceeded"}}""", 200, ErrorCode.UpstreamRateLimited)]
    [InlineData("""{"model":"m","data":[""", 200, ErrorCode.UpstreamProtocol)]
    [InlineData("""{"model":"m"} x""", 200, ErrorCode.UpstreamProtocol)]
    [InlineData("""{"model":{"a":1}}""", 200, ErrorCode.UpstreamProtocol)]
    [InlineData("""{"error":{"message":"No.","code":"rate_limit_exceeded"}}""", 200, ErrorCode.UpstreamRateLimited)]
    [InlineData("""{"error":{"message":"No.","code":"invalid_api_key"}}""", 401, ErrorCode.UpstreamUnauthorized)]
    [InlineData("""{"error":{"message":"No."}}""", 400, ErrorCode.UpstreamInvalidRequest)]
    [InlineData("<html>", 503, ErrorCode.UpstreamUnavailable)]
    public async Task Run_OtherAnswers_AreErrors(string body, int status, ErrorCode code)
    {
        await using var server = await WireServer.Start(body, status: status);
        Assert.Equal(code, (await Assert.ThrowsAsync<ClusterException>(() => Run(server))).Code);
    }

    [Fact]
    public async Task Run_HugeAnswer_IsRefused()
    {
        await using var server = await WireServer.Start($$"""{"model":"m","data":"{{new string('a', 33 << 20)}}"}""");
        var error = await Assert.ThrowsAsync<ClusterException>(() => Run(server));
        Assert.Equal(ErrorCode.UpstreamInvalidRequest, error.Code);
        Assert.Contains("fewer inputs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Use_CredentialOfARequest_IsSentAndHiddenWithinItsExchangeOnly()
    {
        // The server repeats the whole key in forms that no pattern of keys recognises.
        const string Canary = "canary/of+an=own~key";
        await using var server = await WireServer.Start((context, request) => WireServer.Write(
            context, ErrorOf($"Bad key: <{request.Authorization?[7..]}>"), status: 400));
        var credentials = new RequestCredentials(new TestSeal());

        var hidden = await Message(Canary, credentials);
        Assert.Contains("<(token)>", hidden, StringComparison.Ordinal);
        Assert.Equal($"Bearer {Canary}", Assert.Single(server.Requests).Authorization);

        // Another tenant's exchange is not affected by a text that this tenant chose, and nothing of it stays in the process.
        Assert.Contains(Canary, UpstreamText.Clean($"Words such as {Canary}."), StringComparison.Ordinal);
        var both = await Task.WhenAll(Message("canary/one+of=two~keys", credentials), Message("other/one+of=two~keys", credentials));
        Assert.All(both, text => Assert.Contains("<(token)>", text, StringComparison.Ordinal));

        async Task<string> Message(string value, RequestCredentials use)
        {
            using var credential = use.Use(new RequestCredential { Upstream = "openai", Value = value });
            return (await Assert.ThrowsAsync<ClusterException>(() => Run(server, change: credential.Apply))).Message;
        }
    }

    private static string ErrorOf(string message) =>
        new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["code"] = "other" } }.ToJsonString();

    private static async Task<ModelTaskAnswer> Run(
        WireServer server, ModelTask task = ModelTask.Embeddings, string body = """{"input":"a"}""", Dictionary<string, string>? options = null,
        Func<AccountDefinition, AccountDefinition>? change = null)
    {
        var seal = new TestSeal();
        using var tasks = new OpenAiTasks(seal, TimeProvider.System, NullLogger<OpenAiTasks>.Instance);
        var account = new AccountDefinition { Id = "a", Upstream = "openai", BaseUrl = server.BaseUrl + "/v1", Token = seal.Seal("sk-of-the-account") };
        var bot = new BotDefinition { Id = "b", Upstream = "openai", UpstreamBotId = "text-3", Accounts = ["a"], Task = task, Options = options ?? [] };
        var asked = new UpstreamTask("turn_1", task, bot, change?.Invoke(account) ?? account, "t:u", "vectors 你好", Encoding.UTF8.GetBytes(body));
        return await tasks.Run(asked, CancellationToken.None);
    }
}
