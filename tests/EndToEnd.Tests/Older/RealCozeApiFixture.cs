using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>
/// A node with one host name for each of the servers that Real-Coze-API had, so that requests have the old paths. They need no key, as the old servers did not,
/// except those to <see cref="WithKeys"/>.
/// </summary>
public sealed class RealCozeApiFixture : IAsyncLifetime
{
    public const string Http = "rca-http.example.com";
    public const string Stream = "rca-stream.example.com";
    public const string WebSocket = "rca-ws.example.com";
    public const string WithKeys = "rca-keys.example.com";

    private SandboxNode? _node;

    public FakeCoze Coze => _node!.Sandbox.Coze;

    public Uri Url => _node!.Node.BaseUrl;

    internal SandboxNode Node => _node!;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(
        (sandbox, _) => new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")) + $$"""

            endpoints:
              - { id: http, host: {{Http}}, compat: rca, anonymous: main }
              - { id: stream, host: {{Stream}}, compat: rca, anonymous: main, options: { mode: stream } }
              - { id: ws, host: {{WebSocket}}, compat: rca, anonymous: main, options: { mode: ws, model: bot } }
              - { id: keys, host: {{WithKeys}}, compat: rca, options: { mode: ws } }
            """,
        arguments: ["--start-grace", "0s", "--keep-alive", "1s"]);

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Sends a history as <c>fetch(url, { method: "POST", body: JSON.stringify(history) })</c> does.</summary>
    internal Task<HttpResponseMessage> PostAsync(string host, string history, string path = "/", CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(history, Encoding.UTF8, "text/plain") };
        request.Headers.Host = host;
        return Node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken == default ? TestTimeout.Token : cancellationToken);
    }

    /// <summary>Opens a WebSocket as <c>new WebSocket(url, protocols)</c> does.</summary>
    internal async Task<ClientWebSocket> ConnectAsync(string host, params IReadOnlyList<string> protocols)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Host", host);
        foreach (var protocol in protocols) socket.Options.AddSubProtocol(protocol);
        await socket.ConnectAsync(new UriBuilder(Url) { Scheme = "ws" }.Uri, TestTimeout.Token);
        return socket;
    }

    internal static Task SendAsync(ClientWebSocket socket, string message) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, TestTimeout.Token);

    internal static async Task<JsonElement> ReceiveAsync(ClientWebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[16 << 10];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer.AsMemory(), TestTimeout.Token);
            Assert.Equal(WebSocketMessageType.Text, received.MessageType);
            message.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        return JsonDocument.Parse(message.ToArray()).RootElement;
    }
}
