using System.Net;
using System.Text;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Images;

public sealed class ImagesTests
{
    [Fact]
    public async Task Generate_OneImage_ReturnsItsUrlAndTheTextOfTheReply()
    {
        await using var host = await Start(_ => [Reply.Text("A cat:\n\n![cat](https://i.example/cat)"), Reply.Stop(new Usage(3, 4, 7))]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","user":"u1"}""");
        var json = await response.ReadJson();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var image = Assert.Single(json.GetProperty("data").EnumerateArray());
        Assert.Equal("""{"url":"https://i.example/cat","revised_prompt":"A cat:"}""", image.GetRawText());
        Assert.Equal("""{"input_tokens":3,"output_tokens":4,"total_tokens":7}""", json.GetProperty("usage").GetRawText());
        Assert.Equal(response.ReadTurnId(), json.GetProperty("cozecluster").GetProperty("turns")[0].GetString());
        var turn = Assert.Single(host.Grains.Conversations).Request!;
        Assert.Equal("A cat\n\nDraw this as an image and show it in your answer.", Assert.Single(turn.Messages).Text);
        Assert.Equal(("u1", "bot", "acme"), (turn.User, turn.Model, turn.TenantId));
    }

    [Fact]
    public async Task Generate_Hints_AreAddedToThePrompt()
    {
        await using var host = await Start(_ => [Reply.Text("![](https://i.example/1)"), Reply.Stop()]);

        using var response = await Ask(host, """
            {"model":"bot","prompt":"A cat","size":"1024x1792","quality":"hd","style":"vivid","background":"auto",
            "output_format":"png","moderation":"low","stream":false,"partial_images":0,"n":null}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            "A cat\n\nDraw this as an image and show it in your answer. Size: 1024x1792. Quality: hd. Style: vivid.",
            Assert.Single(host.Grains.Conversations).Request!.Messages[0].Text);
    }

    [Fact]
    public async Task Generate_ImageOutsideTheText_IsReturned()
    {
        await using var host = await Start(_ => [Reply.Text("Here you are."), Reply.Item(1, new ImageItem("i", "https://i.example/a b(1)")), Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat"}""");

        Assert.Equal(
            """[{"url":"https://i.example/a%20b%281%29","revised_prompt":"Here you are."}]""",
            (await response.ReadJson()).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Generate_Several_RunsSeveralTurns()
    {
        var drawn = 0;
        await using var host = await Start(_ => [Reply.Text($"![](https://i.example/{Interlocked.Increment(ref drawn)})"), Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","n":3}""");
        var json = await response.ReadJson();

        Assert.Equal(
            ["https://i.example/1", "https://i.example/2", "https://i.example/3"],
            json.GetProperty("data").EnumerateArray().Select(image => image.GetProperty("url").GetString()).Order());
        Assert.Equal(3, json.GetProperty("cozecluster").GetProperty("turns").EnumerateArray().Select(turn => turn.GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Generate_SeveralInOneReply_MakeUpForAFailedTurnButAreNoMoreThanRequested()
    {
        var turn = 0;
        await using var host = await Start(_ => Interlocked.Increment(ref turn) == 1
            ? [Reply.Text("![](https://i.example/1) ![](https://i.example/2) ![](https://i.example/3)"), Reply.Stop()]
            : [Reply.Failed(ErrorCode.UpstreamFailed, "Coze says no.")]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","n":2}""");

        Assert.Equal("""[{"url":"https://i.example/1"},{"url":"https://i.example/2"}]""", (await response.ReadJson()).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Generate_Inline_UsesTheSafeFetcher()
    {
        await using var host = await Start(_ => [Reply.Text("![](https://i.example/1) ![](data:image/png;base64,AQID)"), Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","response_format":"b64_json","n":2}""");
        var data = (await response.ReadJson()).GetProperty("data").EnumerateArray().ToList();

        Assert.Equal("https://i.example/1", Encoding.UTF8.GetString(data[0].GetProperty("b64_json").GetBytesFromBase64()));
        Assert.Equal([1, 2, 3], data[1].GetProperty("b64_json").GetBytesFromBase64());
        Assert.Equal("image/ https://i.example/1", Assert.Single(host.Grains.Fetcher.Fetched));
        Assert.False(data[0].TryGetProperty("url", out _));
    }

    [Theory]
    [InlineData("!!!", "url")]
    [InlineData("!!!", "b64_json")]
    [InlineData("%20", "url")]
    [InlineData("AQI", "b64_json")]
    public async Task Generate_DataUrlWithoutBase64_IsAnErrorThatNamesTheField(string data, string format)
    {
        await using var host = await Start(_ => [Reply.Text($"![](data:image/png;base64,{data})"), Reply.Stop()]);

        using var response = await Ask(host, $$"""{"model":"bot","prompt":"A cat","response_format":"{{format}}"}""");
        var error = await response.ReadError();

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(("fetch_failed", "data[].url"), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task Generate_FetchFails_IsAnErrorUnlessAnotherImageWasFetched()
    {
        await using var host = await Start(_ => [Reply.Text("![](https://i.example/1) ![](https://i.example/2)"), Reply.Stop()]);
        host.Grains.Fetcher.Broken.Add("https://i.example/1");

        using var some = await Ask(host, """{"model":"bot","prompt":"A cat","response_format":"b64_json","n":2}""");
        using var none = await Ask(host, """{"model":"bot","prompt":"A cat","response_format":"b64_json"}""");

        Assert.Single((await some.ReadJson()).GetProperty("data").EnumerateArray());
        Assert.Equal((HttpStatusCode.BadGateway, "fetch_failed"), (none.StatusCode, await none.ReadError("code")));
    }

    [Fact]
    public async Task Generate_NoImage_QuotesTheBot()
    {
        await using var host = await Start(_ => [Reply.Text("I'm sorry, I only write poems."), Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat"}""");

        var error = await response.ReadError();
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(("no_image", "server_error"), (error.GetProperty("code").GetString(), error.GetProperty("type").GetString()));
        Assert.Equal("The bot answered without an image: I'm sorry, I only write poems.", error.GetProperty("message").GetString());
        // A retry costs tokens, and would probably fail too.
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
    }

    [Fact]
    public async Task Generate_TurnFails_HasItsOwnStatus()
    {
        await using var host = await Start(_ => [Reply.Failed(ErrorCode.ContentFiltered, "Coze says no.")]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","n":2}""");

        Assert.Equal((HttpStatusCode.BadRequest, "content_filter"), (response.StatusCode, await response.ReadError("code")));
    }

    [Fact]
    public async Task Generate_ClientDisconnects_CancelsItsTurns()
    {
        await using var host = await GatewayHost.Start();
        using var aborted = new CancellationTokenSource();
        var asking = host.Http.PostAsync("/v1/images/generations", GatewayHost.Json("""{"model":"bot","prompt":"A cat","n":2}"""), aborted.Token);
        await Until.True(() => host.Grains.Conversations.Count == 2 && host.Grains.Conversations.All(conversation => conversation.Feed is not null));

        aborted.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        await Task.WhenAll(host.Grains.Conversations.Select(conversation => conversation.Cancelled.Task)).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("""{"prompt":"A cat"}""", "model")]
    [InlineData("""{"model":"bot"}""", "prompt")]
    [InlineData("""{"model":"bot","prompt":""}""", "prompt")]
    [InlineData("""{"model":"bot","prompt":["A cat"]}""", "prompt")]
    [InlineData("""{"model":"bot","prompt":"A cat","n":0}""", "n")]
    [InlineData("""{"model":"bot","prompt":"A cat","n":11}""", "n")]
    [InlineData("""{"model":"bot","prompt":"A cat","response_format":"png"}""", "response_format")]
    [InlineData("""{"model":"bot","prompt":"A cat","size":1024}""", "size")]
    [InlineData("""{"model":"bot","prompt":"A cat","size":"1\n2"}""", "size")]
    [InlineData("""{"model":"bot","prompt":"A cat","style":"a style that is longer than forty characters"}""", "style")]
    [InlineData("""{"model":"bot","prompt":"A cat","stream":true}""", "stream")]
    [InlineData("""{"model":"bot","prompt":"A cat","partial_images":2}""", "partial_images")]
    [InlineData("""{"model":"bot","prompt":"A cat","output_compression":101}""", "output_compression")]
    public async Task Generate_WrongField_IsNamedByTheError(string body, string param)
    {
        await using var host = await GatewayHost.Start();

        using var response = await Ask(host, body);

        Assert.Equal((HttpStatusCode.BadRequest, param), (response.StatusCode, await response.ReadError("param")));
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task Generate_LongestPrompt_IsAccepted()
    {
        await using var host = await Start(_ => [Reply.Text("![](https://i.example/1)"), Reply.Stop()]);

        using var longest = await Ask(host, $$"""{"model":"bot","prompt":"{{new string('x', 32_000)}}"}""");
        using var longer = await Ask(host, $$"""{"model":"bot","prompt":"{{new string('x', 32_001)}}"}""");
        using var unknown = await Ask(host, """{"model":"nobody","prompt":"A cat"}""");

        Assert.Equal(HttpStatusCode.OK, longest.StatusCode);
        Assert.Equal((HttpStatusCode.BadRequest, "prompt"), (longer.StatusCode, await longer.ReadError("param")));
        Assert.Equal((HttpStatusCode.NotFound, "model_not_found"), (unknown.StatusCode, await unknown.ReadError("code")));
    }

    /// <summary>Starts a gateway whose conversations reply at once.</summary>
    private static Task<GatewayHost> Start(Func<FakeConversation, ReplyEvent[]> reply) => GatewayHost.Start(grains: new FakeGrains
    {
        OnBegin = async conversation => await conversation.Post(new Cursor(1, 0), reply(conversation)),
    });

    private static Task<HttpResponseMessage> Ask(GatewayHost host, string body) => host.Http.PostAsync("/v1/images/generations", GatewayHost.Json(body));
}
