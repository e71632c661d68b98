using System.Text.Json.Nodes;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>An OpenAI upstream with a bot of the Responses API, and turns to send with it.</summary>
internal sealed class ResponsesRig : IDisposable
{
    public const string Id = "resp_1";

    private readonly UpstreamHttp _http;
    private readonly OpenAiResponses _client;
    private readonly TimeProvider _time;

    public ResponsesRig(string baseUrl = "http://127.0.0.1:1", TimeProvider? time = null, bool isBackground = true, string token = "sk-test-token")
    {
        _time = time ?? TimeProvider.System;
        Account = new AccountDefinition { Id = "acc", Upstream = "openai", BaseUrl = baseUrl, Token = Seal.Seal(token) };
        Upstream = new OpenAiUpstream(Seal, Blobs, new TestFetcher(), _time, NullLogger<OpenAiUpstream>.Instance);
        _http = new UpstreamHttp(Seal);
        _client = new OpenAiResponses(new OpenAiHttp(_http, Seal, _time, NullLogger.Instance));
        SetOptions(("api", "responses"), ("background", isBackground ? "true" : "false"));
    }

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public TestSeal Seal { get; } = new();
    public TestBlobs Blobs { get; } = new();
    public OpenAiUpstream Upstream { get; }
    public AccountDefinition Account { get; }
    public BotDefinition Bot { get; private set; } = new() { Id = "bot", Upstream = "openai", UpstreamBotId = "gpt-sandbox", Accounts = ["acc"] };

    public UpstreamHandle Handle => new(Bot.Id, Account.Id, "openai", new Dictionary<string, string> { ["response_id"] = Id });

    public void SetOptions(params (string Name, string Value)[] options) =>
        Bot = Bot with { Options = options.ToDictionary(option => option.Name, option => option.Value) };

    public UpstreamTurn Turn(params ChatMessage[] messages) => new("turn_1", Bot, Account, "tenant:user", messages) { TenantId = "t" };

    public UpstreamTurn Turn(string prompt) => Turn(CozeRig.User(prompt));

    /// <summary>Sends a turn and reads its reply.</summary>
    public async Task<RecordingSink> Run(UpstreamTurn turn)
    {
        var sink = new RecordingSink();
        await using var exchange = await Upstream.Open(turn, Stop);
        await sink.ReadAll(exchange);
        return sink;
    }

    /// <summary>Reads a whole stream that no other request can continue.</summary>
    public async Task<RecordingSink> Read(Stream stream)
    {
        var sink = new RecordingSink();
        await using var exchange = Exchange(stream, isBackground: false);
        await sink.ReadAll(exchange);
        return sink;
    }

    public Task<RecordingSink> Read(params string[] events) => Read(PiecesStream.Of(string.Concat(events)));

    public OpenAiResponseExchange Exchange(Stream stream, bool isBackground) => new(
        Turn("hi"), new EventStream(new HttpResponseMessage(), stream, "req_1"), isBackground, _client, _time, NullLogger.Instance);

    public void Dispose()
    {
        Upstream.Dispose();
        _http.Dispose();
    }
}

/// <summary>The events of a response as servers send them.</summary>
internal sealed class ResponseWire
{
    private int _next;

    /// <summary>An event with the next number.</summary>
    public string Event(string type, string members) => Numbered(_next++, type, members);

    public string Created() => Event("response.created", "\"response\":" + Response("in_progress"));

    public string Delta(string json, int output = 0, int part = 0) => Event(
        "response.output_text.delta", $"\"item_id\":\"msg_1\",\"output_index\":{output},\"content_index\":{part},\"delta\":{json}");

    public string Done(string json, int output = 0, int part = 0) => Event(
        "response.output_text.done", $"\"item_id\":\"msg_1\",\"output_index\":{output},\"content_index\":{part},\"text\":{json}");

    public string Thought(string json, int output = 0, int part = 0) => Event(
        "response.reasoning_summary_text.delta", $"\"item_id\":\"rs_1\",\"output_index\":{output},\"summary_index\":{part},\"delta\":{json}");

    public string Item(string json, int output = 0) => Event("response.output_item.done", $"\"output_index\":{output},\"item\":{json}");

    public string Completed(params string[] output) => Event("response.completed", "\"response\":" + Response("completed", output: output));

    public static string Numbered(int? number, string type, string members) =>
        $"event: {type}\ndata: {{\"type\":\"{type}\",{(number is { } given ? $"\"sequence_number\":{given}," : "")}{members}}}\n\n";

    public static string Message(string text) =>
        $$"""{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":{{text}},"annotations":[]}]}""";

    public static string Call(string id, string name, string arguments = "{}") => new JsonObject
    {
        ["type"] = "function_call", ["id"] = "fc_" + id, ["call_id"] = id, ["name"] = name, ["arguments"] = arguments, ["status"] = "completed",
    }.ToJsonString();

    public static string Response(string status, string more = "", params string[] output) =>
        $$"""{"id":"{{ResponsesRig.Id}}","object":"response","model":"m-1","status":"{{status}}","output":[{{string.Join(',', output)}}]{{more}}}""";
}

/// <summary>A server with one background response. Its answers are the test's.</summary>
internal static class ResponsesServer
{
    /// <summary>Starts a server.</summary>
    /// <param name="created">The events that the request which creates the response receives, before its stream ends.</param>
    /// <param name="onStream">Answers a request for a stream. Its argument is the number behind which the stream begins, or −1.</param>
    /// <param name="onRead">Answers a request for the response as a whole.</param>
    public static Task<WireServer> Start(
        string created, Func<HttpContext, int, Task>? onStream = null, Func<HttpContext, Task>? onRead = null) => WireServer.Start(async (http, request) =>
    {
        if (request.Method == "POST")
        {
            await WireServer.Stream(http, created);
        }
        else if (request.Query.Contains("stream=true", StringComparison.Ordinal) && onStream is not null)
        {
            await onStream(http, http.Request.Query["starting_after"].ToString() is { Length: > 0 } after ? int.Parse(after) : -1);
        }
        else
        {
            await (onRead ?? (context => WireServer.Write(context, "{}", status: 500)))(http);
        }
    });
}
