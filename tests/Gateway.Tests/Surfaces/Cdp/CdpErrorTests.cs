using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdp;

public sealed class CdpErrorTests
{
    private static readonly ReplyEvent[] Answer = [Reply.Text("Hi!"), Reply.Stop()];

    [Theory]
    [InlineData("sk-test", HttpStatusCode.OK)]
    [InlineData("Bearer sk-test", HttpStatusCode.OK)]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer sk-wrong", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer sk-admin", HttpStatusCode.Unauthorized)]
    // It contains a valid one, which is not enough.
    [InlineData("Bearer sk-test-and-more", HttpStatusCode.Unauthorized)]
    public async Task V1_Key_IsReadWithAndWithoutScheme(string? authorization, HttpStatusCode expected)
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.ChatAs(authorization);

        Assert.Equal(expected, response.StatusCode);
        if (expected == HttpStatusCode.OK) return;
        Assert.Equal(
            """{"error":{"message":"authorization(proxy-secret)校验失败","type":"invalid_request_error","param":"","code":"invalid_authorization"}}""",
            await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("sk-wrong")]
    [InlineData("sk-admin")]
    public async Task Api_Key_IsReadFromProxySecret(string? secret)
    {
        await using var host = await CdpHost.Start();
        host.Grains.Fleet.AddDiscordBot("b1", "bot", "1");

        using var refused = await host.Get("/api/channel/del/all/cdp", secret);
        using var accepted = await host.Get("/api/channel/del/all/cdp", "sk-test");

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("""{"success":false,"message":"无权进行此操作,未提供正确的 proxy-secret"}""", await refused.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    [Fact]
    public async Task Anonymous_NeedsNoKeyAnywhere()
    {
        await using var host = await CdpHost.Start(() => Answer, anonymous: "acme");
        host.Grains.Fleet.AddDiscordBot("b1", "bot", "1");

        using var chat = await host.ChatAs(null);
        using var other = await host.ChatAs("Bearer whatever");
        using var api = await host.Get("/api/channel/del/all/cdp", secret: null);

        Assert.All([chat, other, api], response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.All(host.Grains.Conversations, conversation => Assert.Equal("acme", conversation.Request!.TenantId));
    }

    [Fact]
    public async Task RateLimit_OfTheEndpoint_PrecedesEverything()
    {
        await using var host = await CdpHost.Start(limit: 1);
        (await host.Get("/api/unknown", secret: null)).Dispose();

        using var response = await host.ChatAs(null);

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("""{"success":false,"message":"请求过于频繁,请稍后再试"}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("{", "Invalid request parameters")]
    [InlineData("[]", "Invalid request parameters")]
    [InlineData("""{"model":"bot","messages":[]}""", "Invalid request parameters")]
    [InlineData("""{"model":7,"messages":[{"role":"user","content":"Hi"}]}""", "Invalid request parameters")]
    [InlineData("""{"model":"none","messages":[{"role":"user","content":"Hi"}]}""", "model_not_found")]
    [InlineData("""{"model":"bot","messages":[{"role":"user","content":7}]}""", "Message format error")]
    [InlineData("""{"model":"bot","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "Image URL parsing error")]
    [InlineData("""{"model":"bot","messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"x"}}]}]}""", "Image URL parsing error")]
    [InlineData("""{"model":"bot","messages":[{"role":"user","content":null}]}""", "Message format error")]
    [InlineData("""{"model":"bot","messages":[{"role":7,"content":"Hi"}]}""", "Invalid request parameters")]
    [InlineData("""{"model":"bot","messages":{}}""", "Invalid request parameters")]
    public async Task V1_WrongRequest_HasTheOldTextAndOurs(string body, string message)
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat(body);
        var error = await response.ReadError();

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal(message, error.GetProperty("message").GetString());
        Assert.Equal(("request_error", "", "500"), (Text("type"), Text("param"), Text("code")));
        Assert.NotEmpty(Text("detail"));
        string Text(string name) => error.GetProperty(name).GetString()!;
    }

    [Theory]
    [InlineData(ErrorCode.NoBotAvailable, "no_available_bot", true)]
    [InlineData(ErrorCode.UpstreamUnauthorized, "no_available_user_auth", true)]
    [InlineData(ErrorCode.ContextLengthExceeded, "prompt已超过限制,请分段发送 [2]", true)]
    [InlineData(ErrorCode.UpstreamQuotaExceeded, "Coze says no.", false)]
    [InlineData(ErrorCode.Draining, "Coze says no.", false)]
    public async Task V1_TurnFails_HasTheOldText(ErrorCode code, string message, bool hasDetail)
    {
        await using var host = await CdpHost.Start(() => [Reply.Failed(code, "Coze says no.")]);

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        var detail = hasDetail ? ",\"detail\":\"Coze says no.\"" : "";
        Assert.Equal(
            $$$"""{"error":{"message":"{{{message}}}","type":"request_error","param":"","code":"500"{{{detail}}}}}""",
            await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("1.5")]
    [InlineData("0")]
    public async Task OutTime_NotANumber_IsRefusedBeforeThePromptIsSent(string outTime)
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.ChatAs("sk-test", outTime: outTime);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("""{"success":false,"message":"超时时间设置异常"}""", await response.Content.ReadAsStringAsync());
        Assert.Empty(host.Grains.Conversations);
    }

    [Theory]
    [InlineData("4", "60")]
    [InlineData(null, "4")]
    public async Task OutTime_WholeReplyTakesLonger_IsAnErrorAndNotHalfAReply(string? outTime, string option)
    {
        await using var host = await CdpHost.Start(null, null, null, ("request_out_time", option), ("stream_request_out_time", "1"));
        var request = host.ChatAs("sk-test", outTime: outTime);
        var turn = await host.WaitForTurn();
        await turn.Post(new Cursor(0, 2), Reply.Text("Hi"));
        await Until.True(() => host.Time.IsArmed(TimeSpan.FromSeconds(4)));

        host.Time.Advance(TimeSpan.FromSeconds(4));
        using var response = await request;

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("请求超时", await response.ReadError("message"));
        await turn.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task OutTime_StreamPauses_IsAnErrorAndBeginsAgainWithEachPiece()
    {
        await using var host = await CdpHost.Start();
        using var response = await host.ChatAs("sk-test", GatewayHost.Body(",\"stream\":true"), outTime: "4");
        var turn = await host.WaitForTurn();
        await using var reader = new SseReader(response);
        for (var i = 0; i < 3; i++)
        {
            await turn.Post(new Cursor(0, i + 1), Reply.Text("x", offset: i));
            Assert.Equal("x", (await reader.Next())!.Text);
            host.Time.Advance(TimeSpan.FromSeconds(3));
        }
        host.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("请求超时", (await reader.Next())!.Json.GetProperty("error").GetProperty("message").GetString());
        Assert.Null(await reader.Next());
        Assert.True(reader.IsCut);
    }

    [Fact]
    public async Task RequestId_HasTheFormOfTheOldSystemAndIsInTheLog()
    {
        await using var host = await CdpHost.Start(() => Answer);

        using var response = await host.Chat(GatewayHost.Body());

        var id = response.Headers.GetValues("x-request-id").Single();
        Assert.Matches("^[0-9]{15,23}[0-9a-zA-Z]{8}$", id);
        Assert.StartsWith($"{host.Time.GetUtcNow():yyyyMMddHHmmss}", id, StringComparison.Ordinal);
        Assert.Contains(host.Log.Lines, line => line.Contains(id, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("GET", "/nothing", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/chat", HttpStatusCode.NotFound)]
    public async Task UnknownAddress_IsNotFound(string method, string path, HttpStatusCode expected)
    {
        await using var host = await CdpHost.Start();

        using var response = await host.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Cors_AnyOriginAndAnyHeader()
    {
        await using var host = await CdpHost.Start();
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        request.Headers.Add("Origin", "https://chat.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization, out-time, x-own");

        using var response = await host.Http.SendAsync(request);

        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains("out-time", response.Headers.GetValues("Access-Control-Allow-Headers").Single(), StringComparison.Ordinal);
    }
}
