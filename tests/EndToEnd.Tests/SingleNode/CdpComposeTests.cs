using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>A node that starts from the variables of coze-discord-proxy's compose file alone, without arguments of its own, and a fake Discord.</summary>
public sealed partial class CdpComposeTests
{
    private static readonly SeededGuild Guild = DiscordSeeds.Guilds[0];

    /// <summary>The compose file of the README, with the ids and tokens of the fake Discord.</summary>
    private static readonly string Compose = $"""
        version: '3.4'

        services:
          coze-discord-proxy:
            image: cozecluster
            container_name: coze-discord-proxy
            restart: always
            ports:
              - "7077:7077"
            volumes:
              - ./data:/app/coze-discord-proxy/data
            environment:
              - USER_AUTHORIZATION={DiscordSeeds.Accounts[0].Token}
              - BOT_TOKEN={DiscordSeeds.Listeners[0].Token}
              - GUILD_ID={Guild.Id}
              - COZE_BOT_ID={DiscordSeeds.CozeBots[0].Id}
              - CHANNEL_ID={Guild.GeneralId}
              - PROXY_SECRET=123456
              - TZ=Asia/Shanghai
        """;

    [Fact]
    public async Task The_compose_file_works_with_only_its_image_changed()
    {
        await using var sandbox = await SandboxServer.StartAsync(
            new SandboxOptions { Discord = new DiscordSandboxOptions { RateLimits = false } }, TestTimeout.Token);
        using var folder = new TempFolder();
        var variables = Variable().Matches(Compose).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value);
        variables["COZECLUSTER_DISCORD_URL"] = new Uri(sandbox.BaseUrl, "discord/api/v10").ToString();
        await using var node = await NodeProcess.StartAsync(folder.Path, [], variables);
        await node.WaitUntilReadyAsync();
        using var http = HttpRequests.CreateClient(node.BaseUrl);

        using var models = await SendAsync(http, HttpMethod.Get, "/v1/models", null);
        var listed = JsonDocument.Parse(await models.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal((200, 23), ((int)models.StatusCode, listed.Count));
        Assert.Equal(("gpt-3.5-turbo", "o3-mini"), (listed[0].Text("id"), listed[^1].Text("id")));
        using var reply = await SendAsync(
            http, HttpMethod.Post, "/v1/chat/completions", """{"model":"gpt-4","stream":false,"messages":[{"role":"user","content":"Hi [[say=fine]]"}]}""");
        var json = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(TestTimeout.Token)).RootElement;

        Assert.Equal("fine", json.GetProperty("choices")[0].GetProperty("message").Text("content"));
        Assert.True(json.TryGetProperty("suggestions", out _));
        Assert.DoesNotContain(DiscordSeeds.Accounts[0].Token, node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("123456", node.Output, StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient http, HttpMethod method, string path, string? body)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", "123456");
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        return http.SendAsync(request, TestTimeout.Token);
    }

    [GeneratedRegex("- (?<name>[A-Z_]+)=(?<value>.+)")]
    private static partial Regex Variable();
}
