namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeCancelTests
{
    [Fact]
    public async Task Cancel_SendsTheIdsOfTheChat()
    {
        await using var server = await WireServer.Start("""{"code":0,"data":{"id":"h1","status":"canceled"}}""");
        using var rig = new CozeRig(server.BaseUrl);

        await rig.Upstream.Cancel(rig.Turn("Hi"), rig.Handle(), CozeRig.Stop);

        var request = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/v3/chat/cancel"), (request.Method, request.Path));
        Assert.Equal("""{"conversation_id":"c1","chat_id":"h1"}""", request.Text);
    }

    [Theory]
    [InlineData(200, """{"code":4104,"msg":"cannot cancel"}""")]
    [InlineData(400, """{"code":4104,"msg":"cannot cancel"}""")]
    [InlineData(200, """{"code":4001,"msg":"no chat"}""")]
    public async Task Cancel_NothingToCancel_Succeeds(int status, string body)
    {
        await using var server = await WireServer.Start(body, status: status);
        using var rig = new CozeRig(server.BaseUrl);

        for (var i = 0; i < 2; i++) await rig.Upstream.Cancel(rig.Turn("Hi"), rig.Handle(), CozeRig.Stop);

        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Cancel_Refused_Throws()
    {
        await using var server = await WireServer.Start("""{"code":4101,"msg":"no permission"}""", status: 403);
        using var rig = new CozeRig(server.BaseUrl);

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await rig.Upstream.Cancel(rig.Turn("Hi"), rig.Handle(), CozeRig.Stop));

        Assert.Equal(ErrorCode.UpstreamForbidden, error.Code);
    }

    [Fact]
    public async Task Cancel_WithoutIds_SendsNothing()
    {
        using var rig = new CozeRig();

        await rig.Upstream.Cancel(rig.Turn("Hi"), new UpstreamHandle("bot", "acc", "coze", new Dictionary<string, string>()), CozeRig.Stop);
    }
}
