using System.Net;
using System.Text;
using System.Text.Json;
using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Repl;

namespace CozeCluster.Silo.Tests.Repl;

/// <summary>The loop and the client, with the bytes of a node.</summary>
public sealed class ReplTests
{
    private const string Done = "data: [DONE]\n\n";

    [Fact]
    public async Task Replies_AreShownAndStayInTheConversation()
    {
        var node = new ScriptedNode(Chunk("Hel") + Chunk("lo!") + Done, Chunk("Fine.") + Done);

        var (code, shown) = await Run(node, "Hi\n\nHow are you?\n:q\nnot read\n");

        Assert.Equal(0, code);
        Assert.Contains("Bot> Hello!\nMe> ", shown, StringComparison.Ordinal);
        Assert.Contains("Bot> Fine.\nMe> ", shown, StringComparison.Ordinal);
        Assert.Equal(2, node.Bodies.Count);
        Assert.Equal(["user Hi", "assistant Hello!", "user How are you?"], MessagesOf(node.Bodies[1]));
        Assert.All(node.Keys, key => Assert.Equal("Bearer the-key", key));
    }

    [Fact]
    public async Task Rewritten_NewTextStaysInTheConversation()
    {
        var node = new ScriptedNode(
            Chunk("A good ", "0.7") + Chunk("day", "0.10") + Chunk("\n\n", "0.10")
            + "data: {\"choices\":[{\"delta\":{}}],\"cozecluster\":{\"rewritten\":{\"part\":0,\"offset\":7}}}\n\n" + Chunk("night", "0.12.1") + Done,
            Chunk("x") + Done);

        await Run(node, "a\nb\n");

        Assert.Equal("assistant A good night", MessagesOf(node.Bodies[1])[1]);
    }

    [Theory]
    [InlineData("data: {\"error\":{\"message\":\"Too many requests.\"}}\n\n", "Too many requests.")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n", "before it was complete")]
    public async Task Failure_IsShownAndItsPromptLeavesTheConversation(string events, string expected)
    {
        var node = new ScriptedNode(events, Chunk("x") + Done);

        var (code, shown) = await Run(node, "first\nsecond\n");

        Assert.Equal(0, code);
        Assert.Contains(expected, shown, StringComparison.Ordinal);
        Assert.Equal(["user second"], MessagesOf(node.Bodies[1]));
    }

    [Fact]
    public async Task ControlCharacters_DoNotReachTheTerminal()
    {
        var (_, shown) = await Run(new ScriptedNode(Chunk("a\\u001b[2Jb\\u0007\\u009b1m\\tc\\n") + Done), "Hi\n");

        Assert.Contains("Bot> a[2Jb1m\tc\n", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongServer_IsReported()
    {
        var node = new ScriptedNode { Status = HttpStatusCode.NotFound, Models = "<html>" };

        var (code, shown) = await Run(node, "Hi\n", model: null);

        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("404", shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, "http://127.0.0.1:7077/", null)]
    [InlineData("https://coze.example.com/v1/", "gpt-4", "https://coze.example.com/", "gpt-4")]
    [InlineData("http://host/rca", null, "http://host/rca/", null)]
    public void Options_ComeFromTheCommandLine(string? url, string? model, string expectedUrl, string? expectedModel)
    {
        var options = ReplOptions.Read(url, model, name => name == "COZECLUSTER_KEY" ? " key \n" : null, () => throw new InvalidOperationException("Asked."));

        Assert.Equal((new Uri(expectedUrl), expectedModel, "key"), (options.Url, options.Model, options.Key));
    }

    [Fact]
    public void Options_ComeFromTheEnvironmentOrTheUser()
    {
        var options = ReplOptions.Read(
            null, null, name => name switch { "COZECLUSTER_URL" => "http://host:1", "COZECLUSTER_MODEL" => "m", _ => null }, () => "typed");

        Assert.Equal((new Uri("http://host:1/"), "m", "typed"), (options.Url, options.Model, options.Key));
    }

    [Theory]
    [InlineData("ftp://host")]
    [InlineData("host:7077")]
    [InlineData("http://user:secret@host")]
    public void Options_InvalidUrl_IsReportedWithoutIt(string url)
    {
        var exception = Assert.Throws<StartException>(() => ReplOptions.Read(url, null, _ => null, () => ""));

        Assert.Contains("--url", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.Message, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Shown)> Run(ScriptedNode node, string typed, string? model = "bot")
    {
        using var http = new HttpClient(node);
        var output = new StringWriter { NewLine = "\n" };
        var options = new ReplOptions(new Uri("http://node/"), model, "the-key");
        var code = await new ReplLoop(new ReplClient(http, options), model, new StringReader(typed), output).Run();
        return (code, output.ToString());
    }

    private static string Chunk(string content, string? id = null) =>
        (id is null ? "" : $"id: {id}\n")
        + $$$"""data: {"choices":[{"index":0,"delta":{"content":"{{{content.Replace("\n", "\\n")}}}"},"finish_reason":null}]}""" + "\n\n";

    private static List<string> MessagesOf(string body) =>
    [
        .. JsonDocument.Parse(body).RootElement.GetProperty("messages").EnumerateArray()
            .Select(message => $"{message.GetProperty("role").GetString()} {message.GetProperty("content").GetString()}"),
    ];

    /// <summary>Answers each chat completion with the next event stream.</summary>
    private sealed class ScriptedNode(params string[] streams) : HttpMessageHandler
    {
        public List<string> Bodies { get; } = [];

        public List<string> Keys { get; } = [];

        public HttpStatusCode Status { get; init; } = HttpStatusCode.OK;

        public string Models { get; init; } = """{"data":[{"id":"bot"}]}""";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Keys.Add($"{request.Headers.Authorization}");
            if (request.RequestUri!.AbsolutePath == "/v1/models") return new HttpResponseMessage(Status) { Content = new StringContent(Models) };
            Bodies.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            return new HttpResponseMessage(Status) { Content = new StringContent(streams[Bodies.Count - 1], Encoding.UTF8, "text/event-stream") };
        }
    }
}
