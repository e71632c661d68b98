using System.Text.Json.Nodes;
using CozeCluster.Upstreams.Claude;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Tests.Claude;

/// <summary>A Claude upstream with its dependencies, and turns to send with it.</summary>
internal sealed class ClaudeRig : IDisposable
{
    public ClaudeRig(string baseUrl = "http://127.0.0.1:1", string model = "claude-sonnet-4-5", TimeProvider? time = null, TestBlobs? blobs = null)
    {
        Blobs = blobs ?? new TestBlobs();
        Account = new AccountDefinition { Id = "acc", Upstream = "claude", BaseUrl = baseUrl, Token = Seal.Seal("sk-ant-sandbox") };
        Bot = new BotDefinition { Id = "bot", Upstream = "claude", UpstreamBotId = model, Accounts = ["acc"] };
        Upstream = new ClaudeUpstream(Seal, Blobs, time ?? TimeProvider.System, new Forward(Logger));
    }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public TestSeal Seal { get; } = new();
    public TestBlobs Blobs { get; }
    public ListLogger Logger { get; } = new();
    public ClaudeUpstream Upstream { get; }
    public AccountDefinition Account { get; set; }
    public BotDefinition Bot { get; set; }

    public UpstreamTurn Turn(params ChatMessage[] messages) => new("turn_1", Bot, Account, "tenant:ann@example.com", messages);

    public UpstreamTurn Turn(string prompt) => Turn(CozeRig.User(prompt));

    public void SetModel(string model, params (string Name, string Value)[] options) => Bot = Bot with
    {
        UpstreamBotId = model, Options = options.ToDictionary(option => option.Name, option => option.Value),
    };

    public ClaudeExchange Exchange(Stream stream, string? answerTool = null) =>
        new(Turn("hi"), new EventStream(new HttpResponseMessage(), stream, "req_1"), answerTool, TimeProvider.System, Logger);

    /// <summary>Reads the reply of a whole event stream.</summary>
    public async Task<RecordingSink> Read(string wire, string? answerTool = null)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(PiecesStream.Of(wire), answerTool);
        await sink.ReadAll(exchange);
        return sink;
    }

    /// <summary>Sends a turn and reads its reply.</summary>
    public async Task<RecordingSink> Run(UpstreamTurn turn)
    {
        var sink = new RecordingSink();
        await using var exchange = await Upstream.Open(turn, Stop);
        await sink.ReadAll(exchange);
        return sink;
    }

    /// <summary>Sends a turn that the upstream refuses.</summary>
    public async Task<ClusterException> OpenThrows(UpstreamTurn turn) =>
        await Assert.ThrowsAsync<ClusterException>(async () => await Upstream.Open(turn, Stop));

    /// <summary>The body of the request that a turn is sent with.</summary>
    public async Task<JsonNode> Body(UpstreamTurn turn)
    {
        var options = ClaudeBotOptions.Parse(turn.Bot);
        var (messages, files) = await new ClaudeFiles(Blobs, Logger).Inspect(turn, Stop);
        var plan = new ClaudePlan(turn, options, ClaudePrompt.FromMessages(messages));
        using var content = ClaudeRequest.Create(turn, plan, files, Blobs);
        var bytes = await content.ReadAsByteArrayAsync(Stop);
        Assert.Equal(bytes.Length, content.Headers.ContentLength);
        return JsonNode.Parse(bytes)!;
    }

    public void Dispose() => Upstream.Dispose();

    private sealed class Forward(ListLogger logger) : ILogger<ClaudeUpstream>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logger.Log(logLevel, eventId, state, exception, formatter);
    }
}
