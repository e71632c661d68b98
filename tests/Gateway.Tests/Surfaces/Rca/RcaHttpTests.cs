using System.Net;
using System.Net.Http.Headers;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Rca;

public sealed class RcaHttpTests
{
    [Fact]
    public async Task Post_History_ReturnsTheWholeReply()
    {
        await using var host = await RcaHost.Start(
            onBegin: conversation => conversation.Post(new Cursor(0, 3), Reply.Text("记得"), Reply.Text("！", offset: 2), Reply.Stop()));

        using var response = await host.Post();

        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"content":"记得！","continue":false,"reply_type":1}""", await response.Content.ReadAsStringAsync());
        var request = Assert.Single(host.Grains.Conversations).Request!;
        Assert.Equal(("acme", "bot", "anonymous"), (request.TenantId, request.Model, request.KeyName));
        Assert.Equal(
            [(ChatRole.User, "Atri，你认得我吗"), (ChatRole.Assistant, "夏生先生！当然认得了！有什么事吗？夜深了，这么晚还不休息？"), (ChatRole.User, "Atri，你还记得我刚刚说了什么吗？")],
            request.Messages.Select(message => (message.Role, message.Text)));
    }

    [Fact]
    public async Task Post_KnowledgeImagesAndFiles_AreInThePrompt()
    {
        await using var host = await RcaHost.Start(onBegin: Answer);
        const string Images = """{\"image_list\":[{\"key\":\"https://x.test/a.png\"},{\"key\":\"data:image/png;base64,iVBORw0KGgo=\"}]}""";
        const string Files = """{\"file_list\":[{\"key\":\"https://x.test/b.pdf\"}]}""";

        using var response = await host.Post($$"""
            [{"role":6,"content":"It rains."},{"role":2,"content":"{{Images}}","contentType":6},{"role":2,"content":"{{Files}}","contentType":9},
             {"role":2,"content":"Why?","contentType":1}]
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var messages = Assert.Single(host.Grains.Conversations).Request!.Messages;
        Assert.Equal([ChatRole.System, ChatRole.User, ChatRole.User, ChatRole.User], messages.Select(message => message.Role));
        var images = messages[1].Content.Cast<ImageContent>().Select(image => image.Source).ToList();
        Assert.Equal("https://x.test/a.png", images[0].Url);
        Assert.Equal("image/png", images[1].Blob!.ContentType);
        Assert.Equal("https://x.test/b.pdf", Assert.IsType<FileContent>(messages[2].Content[0]).Source.Url);
    }

    [Theory]
    [InlineData("{}", "array of messages")]
    [InlineData("[]", "1 to 2048 messages")]
    [InlineData("""[{"content":"x"}]""", "[0].role")]
    [InlineData("""[{"role":9,"content":"x"}]""", "[0].role")]
    [InlineData("""[{"role":2}]""", "[0].content")]
    [InlineData("""[{"role":2,"content":["x"]}]""", "[0].content")]
    [InlineData("""[{"role":2,"content":"x"},{"role":1,"content":"y"}]""", "must not be 1")]
    [InlineData("""[{"role":2,"content":"x","contentType":7}]""", "[0].contentType")]
    [InlineData("""[{"role":2,"content":"x","contentType":6}]""", "JSON text")]
    [InlineData("""[{"role":2,"content":"{\"image_list\":[{\"key\":\"tos-maliva/1.png\"}]}","contentType":6}]""", "http or https URL")]
    [InlineData("""[{"role":1,"content":"{}","contentType":6},{"role":2,"content":"x"}]""", "role 2")]
    [InlineData("not json", "not valid JSON")]
    public async Task Post_InvalidHistory_GetsAnErrorThatNamesIt(string history, string expected)
    {
        await using var host = await RcaHost.Start(onBegin: Answer);

        using var response = await host.Post(history);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var body = await response.ReadJson();
        Assert.False(body.GetProperty("success").GetBoolean());
        Assert.Equal("{}", body.GetProperty("data").GetRawText());
        Assert.Contains(expected, body.GetProperty("errmsg").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task Post_TurnThatFails_GetsItsStatusInTheOldForm()
    {
        await using var host = await RcaHost.Start(
            onBegin: conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Failed(ErrorCode.UpstreamTimeout, "Too late.")));

        using var response = await host.Post();

        Assert.Equal(ErrorTable.Of(ErrorCode.UpstreamTimeout).Status, (int)response.StatusCode);
        Assert.Equal("""{"success":false,"data":{},"errmsg":"Too late."}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Post_ReplyThatWaitsForATool_IsNoWholeReply()
    {
        await using var host = await RcaHost.Start(
            onBegin: conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop(reason: FinishReason.ToolCalls)));

        using var response = await host.Post();

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task Post_EndpointWithKeys_NeedsOne()
    {
        await using var host = await RcaHost.Start(anonymous: null, onBegin: Answer);

        using (var refused = await host.Post()) Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        host.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "sk-test");
        using var response = await host.Post();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("bot", "bot")]
    [InlineData(null, null)]
    public async Task Post_EndpointWithoutModel_UsesTheDefaultOfTheTenant(string? defaultModel, string? expected)
    {
        await using var host = await RcaHost.Start(onBegin: Answer);
        host.Grains.Fleet.Endpoints = new FleetEndpoints([RcaHost.Endpoint() with { Options = new Dictionary<string, string>() }], HasCompatKeys: false);
        host.Grains.Fleet.DefaultModel = defaultModel;

        using var response = await host.Post();

        Assert.Equal(expected is null ? HttpStatusCode.NotFound : HttpStatusCode.OK, response.StatusCode);
        if (expected is null) Assert.Contains("default_model", (await response.ReadJson()).GetProperty("errmsg").GetString(), StringComparison.Ordinal);
        else Assert.Equal(expected, Assert.Single(host.Grains.Conversations).Request!.Model);
    }

    [Fact]
    public async Task Post_EndpointWithoutModelAndTenantWithOne_UsesIt()
    {
        await using var host = await RcaHost.Start(onBegin: Answer);
        host.Grains.Fleet.Endpoints = new FleetEndpoints([RcaHost.Endpoint() with { Options = new Dictionary<string, string>() }], HasCompatKeys: false);
        host.Grains.Fleet.Models.RemoveAt(1);

        using var response = await host.Post();

        Assert.Equal("bot", Assert.Single(host.Grains.Conversations).Request!.Model);
    }

    [Fact]
    public async Task Post_ClientThatDisconnects_CancelsTheTurn()
    {
        await using var host = await RcaHost.Start();
        using var stop = new CancellationTokenSource();
        var pending = host.Post(token: stop.Token);
        var conversation = await host.WaitForTurn();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
        await conversation.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("http")]
    [InlineData("stream")]
    [InlineData("ws")]
    public async Task Get_ShowsThePageOfTheMode(string mode)
    {
        await using var host = await RcaHost.Start(mode, anonymous: null);

        using var response = await host.Http.GetAsync("/rca/");
        var page = await response.Content.ReadAsStringAsync();

        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"data-mode=\"{mode}\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
        // Nothing is loaded from elsewhere.
        Assert.DoesNotMatch("""(src|href)=|@import|https?://""", page);
        Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("POST", "/")]
    [InlineData("POST", "/rca/other")]
    public async Task OtherAddresses_HaveNoSuchRoute(string method, string path)
    {
        await using var host = await RcaHost.Start();

        using var response = await host.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Get_StandardApiOfTheEndpoint_StaysThere()
    {
        await using var host = await RcaHost.Start();

        Assert.Equal("list", (await (await host.Http.GetAsync("/rca/v1/models")).ReadJson()).GetProperty("object").GetString());
    }

    private static Task Answer(FakeConversation conversation) => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
}
