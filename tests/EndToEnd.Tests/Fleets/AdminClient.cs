using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>A client of the admin API.</summary>
/// <param name="url">The URL of a node.</param>
/// <param name="key">An admin key.</param>
internal sealed class AdminClient(Uri url, string key) : IDisposable
{
    private readonly HttpClient _http = HttpRequests.CreateClient(url);

    /// <summary>Waits until a node has printed the key of the owner, and returns a client with it.</summary>
    public static async Task<AdminClient> OwnerOf(INode node)
    {
        const string Before = "which is not shown again: ";
        while (!node.Output.Contains(Before, StringComparison.Ordinal)) await Task.Delay(50, TestTimeout.Token);
        var output = node.Output;
        return new AdminClient(node.BaseUrl, output[(output.IndexOf(Before, StringComparison.Ordinal) + Before.Length)..].Split('\n')[0].Trim());
    }

    /// <summary>A client of another node with the same key.</summary>
    public AdminClient To(Uri node) => new(node, key);

    public void Dispose() => _http.Dispose();

    /// <summary>Sends a request. Returns status, ETag and body.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">The path after <c>/admin/v1/fleet</c>.</param>
    /// <param name="body">The JSON of the body; null without one.</param>
    /// <param name="ifMatch">The ETag; <c>*</c> for any; null: none.</param>
    public async Task<(int Status, string? Tag, JsonNode Body)> Send(string method, string path, string? body = null, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/admin/v1/fleet" + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var response = await _http.SendAsync(request, TestTimeout.Token);
        var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
        return ((int)response.StatusCode, response.Headers.ETag?.Tag, JsonNode.Parse(text)!);
    }

    /// <summary>Makes something.</summary>
    public async Task Make(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/admin/v1/fleet" + path);
        request.Content = new StringContent(body, new MediaTypeHeaderValue("application/json"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.TryAddWithoutValidation("If-None-Match", "*");
        using var response = await _http.SendAsync(request, TestTimeout.Token);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestTimeout.Token));
    }

    /// <summary>Changes members of something, whatever its version.</summary>
    public async Task Change(string path, string patch)
    {
        var answer = await Send("PATCH", path, patch, "*");
        Assert.True(answer.Status == 200, answer.Body.ToJsonString());
    }

    /// <summary>Makes an API key of a tenant, and returns it.</summary>
    public async Task<string> MakeKey(string tenant, string body)
    {
        var answer = await Send("POST", $"/tenants/{tenant}/keys", body);
        Assert.True(answer.Status == 201, answer.Body.ToJsonString());
        return answer.Body["key"]!.GetValue<string>();
    }

    /// <summary>Makes a tenant with a key, an account, a bot and a model, all but the key with the same name.</summary>
    public async Task<string> MakeChat(Uri coze, string name, string botId)
    {
        await Make($"/tenants/{name}", "{}");
        await Make($"/accounts/{name}", $$"""{"upstream": "coze", "token": "pat_sandbox", "base_url": "{{coze}}"}""");
        await Make($"/bots/{name}", $$"""{"upstream": "coze", "bot_id": "{{botId}}", "accounts": ["{{name}}"]}""");
        await Make($"/models/{name}", $$"""{"bots": ["{{name}}"], "tenants": ["{{name}}"]}""");
        return await MakeKey(name, """{"name": "app"}""");
    }
}
