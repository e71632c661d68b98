using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Rca;

/// <summary>A gateway with an endpoint of Real-Coze-API below <c>/rca</c>.</summary>
internal static class RcaHost
{
    /// <summary>The example of the old README.</summary>
    public const string History = """
        [
            { "role": 2, "content": "Atri，你认得我吗" },
            { "role": 1, "content": "夏生先生！当然认得了！有什么事吗？夜深了，这么晚还不休息？" },
            { "role": 2, "content": "Atri，你还记得我刚刚说了什么吗？" }
        ]
        """;

    public static EndpointDefinition Endpoint(string mode = "http", string? anonymous = "acme") => new()
    {
        Id = "old", Path = "/rca", Compat = CompatMode.Rca, Anonymous = anonymous,
        Options = new Dictionary<string, string> { ["mode"] = mode, ["model"] = "bot" },
    };

    /// <summary>Starts a gateway. Its client sends no key.</summary>
    public static async Task<GatewayHost> Start(
        string mode = "http", string? anonymous = "acme", Action<GatewayOptions>? configure = null, Func<FakeConversation, Task>? onBegin = null)
    {
        var grains = new FakeGrains { OnBegin = onBegin };
        grains.Fleet.Endpoints = new FleetEndpoints([Endpoint(mode, anonymous)], HasCompatKeys: false);
        var host = await GatewayHost.Start(configure, grains);
        host.Http.DefaultRequestHeaders.Authorization = null;
        return host;
    }

    /// <summary>Sends a history as <c>fetch</c> does if no type is given.</summary>
    public static Task<HttpResponseMessage> Post(this GatewayHost host, string history = History, string path = "/rca", CancellationToken token = default) =>
        host.Http.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(history, Encoding.UTF8, "text/plain") },
            HttpCompletionOption.ResponseHeadersRead, token);

    /// <summary>Opens a WebSocket.</summary>
    public static async Task<ClientWebSocket> Connect(this GatewayHost host, string[]? protocols = null, string? origin = null)
    {
        var socket = new ClientWebSocket();
        foreach (var protocol in protocols ?? []) socket.Options.AddSubProtocol(protocol);
        if (origin is not null) socket.Options.SetRequestHeader("Origin", origin);
        socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await socket.ConnectAsync(new Uri($"ws://{host.Http.BaseAddress!.Authority}/rca"), TestContext.Current.CancellationToken);
            return socket;
        }
        catch (WebSocketException exception)
        {
            var status = (int)socket.HttpStatusCode;
            socket.Dispose();
            throw new HttpRequestException($"{status}", exception);
        }
    }

    public static Task Send(this ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);

    public static Task SendHistory(this ClientWebSocket socket, string uuid, string history = History) =>
        socket.Send($$"""{"uuid":"{{uuid}}","data":{{history}}}""");

    /// <summary>Receives a message; null if the server has ended the connection.</summary>
    public static async Task<JsonElement?> Receive(this ClientWebSocket socket)
    {
        var bytes = new byte[64 << 10];
        var length = 0;
        while (true)
        {
            var receiving = socket.ReceiveAsync(bytes.AsMemory(length), TestContext.Current.CancellationToken);
            var received = await receiving.AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            if (received.MessageType == WebSocketMessageType.Close) return null;
            length += received.Count;
            if (received.EndOfMessage) return JsonDocument.Parse(bytes.AsMemory(0, length)).RootElement;
        }
    }
}
