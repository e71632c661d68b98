using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class AuthTests
{
    [Theory]
    [InlineData(null, 401, 4100)]
    [InlineData("nonsense", 401, 4100)]
    [InlineData("pat_sandbox_expired", 401, 700012006)]
    [InlineData("pat_sandbox_chat_only", 403, 4101)]
    public async Task Request_WithAnInvalidToken_IsRefusedInTheEnvelope(string? token, int status, int code)
    {
        await using var client = await CozeClient.StartAsync();
        client.Token = token;

        using var response = await client.SendAsync(HttpMethod.Get, "v1/workspaces");

        var json = JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!;
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal(code, (int)json["code"]!);
        Assert.NotEmpty((string)json["msg"]!);
        Assert.Equal(response.Headers.GetValues("x-tt-logid").Single(), (string?)json["detail"]!["logid"]);
    }

    [Fact]
    public async Task Request_WithoutTheBearerScheme_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();
        client.Token = null;
        client.Http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "pat_sandbox");

        Assert.Equal(4100, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
    }

    [Fact]
    public async Task Chat_WithAChatOnlyToken_IsAllowed()
    {
        await using var client = await CozeClient.StartAsync();
        client.Token = "pat_sandbox_chat_only";

        Assert.Equal("yes", (await client.StreamAsync("[[say=yes]]")).Text());
    }

    [Fact]
    public async Task CreatedToken_IsValidUntilItsExpiry()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });
        client.Token = client.Coze.MintToken(lifetime: TimeSpan.FromMinutes(5));

        Assert.Equal(0, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(700012006, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
    }

    [Fact]
    public async Task CreatedToken_WithALimitOfChats_Gets4011AfterThem()
    {
        await using var client = await CozeClient.StartAsync();
        client.Token = client.Coze.MintToken(chats: 2);

        await client.StreamAsync("one");
        await client.StreamAsync("two");

        Assert.Equal(4011, (int)(await client.PostAsync("v3/chat", CozeClient.Body("three")))["code"]!);
        Assert.Equal(2, client.Coze.Chats.Count);
    }

    [Fact]
    public async Task ExpireToken_TakesEffectAtOnce()
    {
        await using var client = await CozeClient.StartAsync();
        var token = client.Coze.MintToken();
        client.Token = token;

        Assert.True(client.Coze.ExpireToken(token));

        Assert.Equal(700012006, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
        Assert.False(client.Coze.ExpireToken("pat_unknown"));
    }

    [Fact]
    public async Task Conversation_OfAnotherAccount_IsNotFound()
    {
        await using var client = await CozeClient.StartAsync();
        var id = (string)(await client.PostAsync("v1/conversation/create", new JsonObject()))["data"]!["id"]!;
        client.Token = "pat_sandbox_2";

        Assert.Equal(4002, (int)(await client.GetAsync($"v1/conversation/retrieve?conversation_id={id}"))["code"]!);
        Assert.Equal(4002, (int)(await client.PostAsync($"v3/chat?conversation_id={id}", CozeClient.Body("Hello")))["code"]!);
    }
}
