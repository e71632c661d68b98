using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox.Tests.Discord;

/// <summary>A running sandbox and an HTTP client for its fake Discord, for one test.</summary>
internal sealed class DiscordClient : IAsyncDisposable
{
    private readonly SandboxServer _server;
    private readonly HttpClient _http;
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));

    private DiscordClient(SandboxServer server)
    {
        _server = server;
        _http = new HttpClient { BaseAddress = new Uri(server.BaseUrl, "discord/") };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("DiscordBot (https://example.invalid, 1)");
    }

    public static SeededUser Listener => DiscordSeeds.Listeners[0];

    public static SeededUser Account => DiscordSeeds.Accounts[0];

    public static SeededUser CozeBot => DiscordSeeds.CozeBots[0];

    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    public FakeDiscord Discord => _server.Discord;

    public HttpClient Http => _http;

    /// <summary>Cancels a test that takes too long.</summary>
    public CancellationToken TimeoutToken => _timeout.Token;

    public static async Task<DiscordClient> StartAsync(DiscordSandboxOptions? options = null, TimeProvider? time = null) =>
        new(await SandboxServer.StartAsync(
            new SandboxOptions { Discord = options ?? new(), Time = time ?? TimeProvider.System }, TestContext.Current.CancellationToken));

    /// <summary>Sends a REST request with the token of the user.</summary>
    public async Task<RestResult> RequestAsync(SeededUser? user, string method, string path, JsonNode? body = null, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "api/v10" + path);
        if (user is not null) request.Headers.TryAddWithoutValidation("Authorization", GetAuthorization(user));
        request.Content = content ?? (body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
        using var response = await _http.SendAsync(request, TimeoutToken);
        var text = await response.Content.ReadAsStringAsync(TimeoutToken);
        var json = response.Content.Headers.ContentType?.MediaType == "application/json" ? JsonNode.Parse(text) : null;
        return new(response.StatusCode, json, response.Headers, text);
    }

    public Task<RestResult> GetAsync(SeededUser user, string path) => RequestAsync(user, "GET", path);

    /// <summary>Posts a message in the channel <c>general</c> of the first guild, or in another channel.</summary>
    public Task<RestResult> SendAsync(SeededUser user, string content, string? channel = null) =>
        SendAsync(user, new JsonObject { ["content"] = content }, channel);

    public Task<RestResult> SendAsync(SeededUser user, JsonObject body, string? channel = null) =>
        RequestAsync(user, "POST", $"/channels/{channel ?? Guild.GeneralId}/messages", body);

    /// <summary>Sends a prompt to the first Coze-hosted bot, as the first account or another user.</summary>
    /// <returns>The id of the prompt.</returns>
    public async Task<string> PromptAsync(string text, SeededUser? user = null, string? channel = null)
    {
        var sent = await SendAsync(user ?? Account, $"<@{CozeBot.Id}> {text}", channel);
        Assert.Equal(HttpStatusCode.OK, sent.Status);
        return sent.Id;
    }

    /// <summary>Waits until the bot has finished its reply.</summary>
    /// <returns>The messages of the bot after the prompt.</returns>
    public async Task<IReadOnlyList<SandboxMessage>> WaitForRepliesAsync(string prompt, string? channel = null)
    {
        await Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, line => line.MessageId == prompt, cancellationToken: TimeoutToken);
        return [.. Discord.MessagesOf(channel ?? Guild.GeneralId).SkipWhile(m => m.Id != prompt).Skip(1).Where(m => m.AuthorId == CozeBot.Id)];
    }

    public Task<GatewayClient> ConnectAsync(string query = "?v=10&encoding=json", string path = "gateway") =>
        GatewayClient.ConnectAsync(new UriBuilder(new Uri(_http.BaseAddress!, path + query)) { Scheme = "ws" }.Uri, TimeoutToken);

    /// <summary>Connects and identifies. Returns after READY.</summary>
    public async Task<GatewayClient> LogInAsync(SeededUser? user = null, int intents = GatewayClient.AllIntents, string query = "?v=10&encoding=json")
    {
        var gateway = await ConnectAsync(query);
        await gateway.NextOpAsync(10);
        await gateway.IdentifyAsync((user ?? Listener).Token, intents);
        gateway.Ready = await gateway.NextEventAsync("READY");
        return gateway;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        _timeout.Dispose();
    }

    private static string GetAuthorization(SeededUser user) =>
        DiscordSeeds.Accounts.Contains(user) || user == DiscordSeeds.Owner ? user.Token : $"Bot {user.Token}";
}

internal sealed record RestResult(HttpStatusCode Status, JsonNode? Body, HttpResponseHeaders Headers, string Text)
{
    public string Id => Body!["id"]!.GetValue<string>();

    public int Code => Body!["code"]!.GetValue<int>();

    public string Content => Body!["content"]!.GetValue<string>();

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
}
