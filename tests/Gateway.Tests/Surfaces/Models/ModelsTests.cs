using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Models;

public sealed class ModelsTests
{
    private const string TeamBot = """{"id":"team/bot 1","object":"model","created":1700000000,"owned_by":"cozecluster"}""";

    [Fact]
    public async Task Models_are_listed_and_read()
    {
        await using var host = await GatewayHost.Start();

        Assert.Equal(
            $$"""{"object":"list","data":[{"id":"bot","object":"model","created":1700000000,"owned_by":"cozecluster"},{{TeamBot}}]}""",
            await host.Http.GetStringAsync("/v1/models"));
        Assert.Equal(TeamBot, await host.Http.GetStringAsync("/v1/models/team/bot%201"));
        Assert.Equal(TeamBot, await host.Http.GetStringAsync("/v1/models/team%2Fbot%201"));
    }

    [Fact]
    public async Task Unknown_model_gets_404()
    {
        await using var host = await GatewayHost.Start();

        using var missing = await host.Http.GetAsync("/v1/models/nope");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        var error = await missing.ReadError();
        Assert.Equal("model_not_found", error.GetProperty("code").GetString());
        Assert.Equal("model", error.GetProperty("param").GetString());
    }
}
