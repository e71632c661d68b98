using System.Text;
using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>A node with an endpoint for each way in which the tests of an older system use it. Its base URL is the one thing that a client changes.</summary>
public abstract class OlderNode : IAsyncLifetime
{
    private SandboxNode? _node;

    internal SandboxNode Node => _node!;

    /// <summary>The endpoints of the fleet, as YAML.</summary>
    protected abstract string Endpoints { get; }

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync((sandbox, _) =>
    {
        var coze = new Uri(sandbox.BaseUrl, "coze");
        return new TestFleet()
            .AddAccount("coze", coze, "pat_sandbox")
            .AddBot("one", Bots.One, "coze").AddBot("two", Bots.Two, "coze")
            .AddModel("gpt-3.5-turbo", "one, two")
            .AddModel("dall-e-3", "one")
            .AddBot("three", Bots.Three, "coze").AddModel("idle", "three").AddModel("round", "one, two")
            .ToString() + "\nendpoints:\n" + Endpoints;
    });

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _node?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    /// <summary>Sends a request exactly as it is written. Returns when the headers of the response have arrived.</summary>
    internal async Task<HttpResponseMessage> SendAsync(string method, string url, string? body = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), url);
        if (body is not null) request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content!.Headers.TryAddWithoutValidation(name, value);
        }
        return await Node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestTimeout.Token);
    }

    /// <summary>Sends a request and reads the JSON of its response.</summary>
    internal async Task<(int Status, JsonElement Json)> AskAsync(string method, string url, string? body = null, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(method, url, body, headers);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement);
    }

    /// <summary>Reads the data of all events of a response.</summary>
    internal static async Task<List<string>> ReadEventsAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
        return [.. text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..])];
    }
}
