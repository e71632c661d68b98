using System.Text;
using CozeCluster.Upstreams.Coze;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Tests;

/// <summary>A Coze upstream with its dependencies, and turns to send with it.</summary>
internal sealed class CozeRig : IDisposable
{
    public CozeRig(string baseUrl = "http://127.0.0.1:1", TimeProvider? time = null)
    {
        Account = new AccountDefinition { Id = "acc", Upstream = "coze", BaseUrl = baseUrl, Token = Seal.Seal("pat_sandbox") };
        Upstream = new CozeUpstream(Seal, Blobs, time ?? TimeProvider.System, Logger);
    }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public TestSeal Seal { get; } = new();
    public TestBlobs Blobs { get; } = new();
    public ListLogger Logger { get; } = new();
    public CozeUpstream Upstream { get; }
    public AccountDefinition Account { get; set; }

    public BotDefinition Bot { get; set; } = new() { Id = "bot", Upstream = "coze", UpstreamBotId = "7350000000000000001", Accounts = ["acc"] };

    public UpstreamHandle Handle(string conversationId = "c1", string chatId = "h1") =>
        new("bot", "acc", "coze", new Dictionary<string, string> { ["conversation_id"] = conversationId, ["chat_id"] = chatId });

    public UpstreamTurn Turn(params ChatMessage[] messages) => new("turn_1", Bot, Account, "tenant:user", messages);

    public UpstreamTurn Turn(string prompt) => Turn(User(prompt));

    public static ChatMessage User(string text) => new(ChatRole.User, [new TextContent(text)]);

    public static ChatMessage User(params ContentPart[] content) => new(ChatRole.User, content);

    public static ChatMessage Assistant(string text) => new(ChatRole.Assistant, [new TextContent(text)]);

    public static ChatMessage System(string text) => new(ChatRole.System, [new TextContent(text)]);

    /// <summary>Reads the reply of a whole event stream.</summary>
    public async Task<RecordingSink> Read(string wire, int pieceSize = int.MaxValue)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(PiecesStream.Of(wire, pieceSize));
        await sink.ReadAll(exchange);
        return sink;
    }

    public CozeExchange Exchange(Stream stream, UpstreamTurn? turn = null) =>
        new(turn ?? Turn("hi"), new EventStream(new HttpResponseMessage(), stream, "log-1"), TimeProvider.System, Logger);

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

    public void Dispose() => Upstream.Dispose();
}

/// <summary>A logger that records what is logged.</summary>
internal sealed class ListLogger : ILogger<CozeUpstream>
{
    private readonly StringBuilder _text = new();

    public string Text
    {
        get { lock (_text) return _text.ToString(); }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_text) _text.AppendLine($"{logLevel} {formatter(state, exception)} {exception}");
    }
}
