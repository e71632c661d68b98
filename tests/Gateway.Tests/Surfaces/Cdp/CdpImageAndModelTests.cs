using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Cdp;

public sealed class CdpImageAndModelTests
{
    [Fact]
    public async Task Generate_Images_ReturnsAllOfThemWithTheTextAndTheSuggestions()
    {
        await using var host = await CdpHost.Start(() =>
        [
            Reply.Text("Two cats: ![](https://i.example/1) ![](https://i.example/2)"), Reply.Item(1, new FollowUpItem("f", "More?")), Reply.Stop(),
        ]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","n":5,"size":"huge"}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Matches(
            """
            ^\{"created":\d+,"dailyLimit":false,"data":\[
            \{"url":"https://i\.example/1","revised_prompt":"Two cats:","b64_json":""\},
            \{"url":"https://i\.example/2","revised_prompt":"Two cats:","b64_json":""\}\],"suggestions":\["More\?"\]\}$
            """.ReplaceLineEndings(""), await response.Content.ReadAsStringAsync());
        Assert.Matches(
            "(?s)^Please adhere strictly to my instructions .*:\nA cat$", Assert.Single(host.Grains.Conversations).Request!.Messages[0].Text);
    }

    [Fact]
    public async Task Generate_Base64_IsADataUri()
    {
        await using var host = await CdpHost.Start(() => [Reply.Text("![](https://i.example/1)"), Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat","response_format":"b64_json"}""");

        var image = (await response.ReadJson()).GetProperty("data")[0];
        Assert.Equal("https://i.example/1", image.GetProperty("url").GetString());
        Assert.Equal(
            "data:image/webp;base64," + Convert.ToBase64String("https://i.example/1"u8.ToArray()), image.GetProperty("b64_json").GetString());
        Assert.Equal("image/ https://i.example/1", Assert.Single(host.Grains.Fetcher.Fetched));
    }

    [Fact]
    public async Task Generate_BotDrawsNothing_ReturnsWhatItSays()
    {
        await using var host = await CdpHost.Start(() => [Reply.Text("I only write poems."), Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat"}""");

        Assert.Equal(
            """[{"url":"","revised_prompt":"I only write poems.","b64_json":""}]""", (await response.ReadJson()).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Generate_BotSaysNothing_Fails()
    {
        await using var host = await CdpHost.Start(() => [Reply.Stop()]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat"}""");

        Assert.Equal(
            (HttpStatusCode.InternalServerError, "Failed to fetch image URL, please try again later."),
            (response.StatusCode, await response.ReadError("message")));
    }

    [Fact]
    public async Task Generate_TurnFails_Fails()
    {
        await using var host = await CdpHost.Start(() => [Reply.Failed(ErrorCode.UpstreamQuotaExceeded, "Coze says no.")]);

        using var response = await Ask(host, """{"model":"bot","prompt":"A cat"}""");

        Assert.Equal((HttpStatusCode.InternalServerError, "Coze says no."), (response.StatusCode, await response.ReadError("message")));
    }

    [Fact]
    public async Task Models_List_HasTheModelsOfTheTenant()
    {
        await using var host = await CdpHost.Start();

        using var response = await host.Http.GetAsync("/v1/models");

        Assert.Equal(
            """{"object":"list","data":[{"id":"bot","object":"model"},{"id":"team/bot 1","object":"model"}]}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Models_NoneCanBeListedOrTheOptionIsSet_ListsTheBuiltInNamesThatLeadToAModel(bool option, bool isHidden)
    {
        await using var host = await CdpHost.Start(null, null, null, ("builtin_models", option ? "true" : "false"));
        host.Grains.Fleet.Models.AddRange(["gpt-4", "dall-e-3"]);
        host.Grains.Fleet.IsHidden = isHidden;

        using var response = await host.Http.GetAsync("/v1/models");

        Assert.Equal(
            """{"object":"list","data":[{"id":"gpt-4","object":"model"},{"id":"dall-e-3","object":"model"}]}""", await response.Content.ReadAsStringAsync());
    }

    private static Task<HttpResponseMessage> Ask(GatewayHost host, string body) => host.Http.PostAsync("/v1/images/generations", GatewayHost.Json(body));
}
