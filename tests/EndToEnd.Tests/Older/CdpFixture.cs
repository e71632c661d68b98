using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>
/// A node that answers as coze-discord-proxy at its address, and a fake Discord. The fleet is what a configuration with <c>PROXY_SECRET</c> and a
/// <c>bot_config.json</c> with two entries becomes.
/// </summary>
public sealed class CdpFixture : IAsyncLifetime
{
    /// <summary>The secrets of the entries.</summary>
    internal const string First = "123456";
    internal const string Second = "456789";

    private SandboxNode? _node;

    internal static SeededGuild Guild => DiscordSeeds.Guilds[0];

    internal FakeDiscord Discord => _node!.Sandbox.Discord;

    internal HttpClient Http => _node!.Http;

    /// <summary>The channels that did not exist at the start.</summary>
    internal IReadOnlyList<SandboxChannel> CreatedChannels =>
        [.. Discord.ChannelsOf(Guild.Id).Where(channel => channel.Id != Guild.CategoryId && channel.Id != Guild.GeneralId && channel.Id != Guild.FixedId)];

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(
        (sandbox, _) => CreateFleet(new Uri(sandbox.BaseUrl, "discord/api/v10")),
        new SandboxOptions { Discord = new DiscordSandboxOptions { RateLimits = false } });

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Sends a request.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path.</param>
    /// <param name="body">The body as JSON; null without one.</param>
    /// <param name="authorization">The header <c>Authorization</c>; null without it.</param>
    /// <param name="secret">The header <c>proxy-secret</c>; null without it.</param>
    internal Task<HttpResponseMessage> SendAsync(
        string method, string path, string? body = null, string? authorization = "Bearer " + First, string? secret = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (secret is not null) request.Headers.Add("proxy-secret", secret);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestTimeout.Token);
    }

    /// <summary>Sends a request and reads the answer.</summary>
    internal async Task<(int Status, JsonElement Json)> AskAsync(
        string method, string path, string? body = null, string? authorization = "Bearer " + First, string? secret = null)
    {
        using var response = await SendAsync(method, path, body, authorization, secret);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement);
    }

    /// <summary>Sends a chat with one message.</summary>
    internal Task<(int Status, JsonElement Json)> ChatAsync(
        string prompt, string model = "gpt-4-turbo", string more = "", string authorization = "Bearer " + First) =>
        AskAsync("POST", "/v1/chat/completions", ChatBody(model, prompt, more), authorization);

    /// <summary>The body of a chat with one message.</summary>
    internal static string ChatBody(string model, string prompt, string more = "") =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":{{JsonSerializer.Serialize(prompt)}}}]{{more}}}""";

    /// <summary>Waits for the message of an account that contains a text.</summary>
    internal Task<DiscordRecord> GetPostAsync(string text) => Discord.Records.WaitAsync(
        DiscordRecordKind.MessageCreated,
        record => record.Detail!.Contains(text, StringComparison.Ordinal) && DiscordSeeds.Accounts.Any(account => account.Id == record.UserId),
        cancellationToken: TestTimeout.Token);

    private static string CreateFleet(Uri api) => $$"""
        allow_user_accounts: true
        endpoints:
          - { id: coze-discord-proxy, host: 127.0.0.1, compat: cdp }
          - { id: without-key, path: /open, compat: cdp, anonymous: key-1 }
          - { id: limited, path: /limited, compat: cdp, requests_per_minute: 2, options: { builtin_models: true, only_openai_api: true } }
        tenants:
          - id: key-1
            default_model: gpt-4
            keys: [{ name: secret, hash: {{GrainKeys.ApiKeyHash(First)}} }]
            aliases: { gpt-4: key-1-gpt-4, "*gpt-4*": key-1-gpt-4, "*dall-e*": key-1-gpt-4 }
          - id: key-2
            default_model: GPT-3.5-16k
            keys: [{ name: secret, hash: {{GrainKeys.ApiKeyHash(Second)}} }]
            aliases: { GPT-3.5-16k: key-2-gpt, "*GPT-3.5-16k*": key-2-gpt }
        listeners:
          - { id: listener, base_url: "{{api}}", guild_id: {{Guild.Id}}, token: {{DiscordSeeds.Listeners[0].Token}} }
        accounts:
          - { id: user, upstream: discord, base_url: "{{api}}", token: {{DiscordSeeds.Accounts[0].Token}}, options: { kind: user } }
        bots:
          - id: bot-1
            upstream: discord
            bot_id: {{DiscordSeeds.CozeBots[0].Id}}
            accounts: [user]
            options: { listener: listener, name: cdp-chat, delete_after: never, history: json }
          - id: bot-2
            upstream: discord
            bot_id: {{DiscordSeeds.CozeBots[1].Id}}
            accounts: [user]
            options: { listener: listener, name: cdp-chat, delete_after: 0s, history: last }
        models:
          - { id: key-1-gpt-4, bots: [bot-1], tenants: [key-1], hidden: true }
          - { id: key-2-gpt, bots: [bot-2], tenants: [key-2], hidden: true }
        """;
}
