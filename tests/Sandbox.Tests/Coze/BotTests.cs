namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class BotTests
{
    private const string Workspace = "7360000000000000001";

    [Fact]
    public async Task List_ReturnsThePublishedBotsInPages()
    {
        await using var client = await CozeClient.StartAsync();

        var all = (await client.GetAsync($"v1/bots?workspace_id={Workspace}"))["data"]!;
        var second = (await client.GetAsync($"v1/bots?workspace_id={Workspace}&page_num=2&page_size=3"))["data"]!;

        Assert.Equal(4, (int)all["total"]!);
        Assert.Equal(CozeClient.Bot, (string?)all["items"]![0]!["id"]);
        Assert.All(all["items"]!.AsArray(), b => Assert.True((bool)b!["is_published"]!));
        Assert.Single(second["items"]!.AsArray());
    }

    [Fact]
    public async Task Workspaces_ContainTheWorkspaceOfTheBots()
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(Workspace, (string?)(await client.GetAsync("v1/workspaces"))["data"]!["workspaces"]![0]!["id"]);
    }

    [Theory]
    [InlineData("v1/bots", 4000)]
    [InlineData("v1/bots?workspace_id=1", 4200)]
    [InlineData("v1/bots/1", 4006)]
    [InlineData("v1/bots/7350000000000000009", 4015)]
    [InlineData("v1/bots/7350000000000000009?is_published=false", 0)]
    [InlineData("v1/bots/7350000000000000002", 0)]
    [InlineData("v1/bot/get_online_info?bot_id=7350000000000000002", 0)]
    [InlineData($"v1/space/published_bots_list?space_id={Workspace}", 0)]
    public async Task Get_ReturnsTheExpectedCode(string path, int code)
    {
        await using var client = await CozeClient.StartAsync();

        Assert.Equal(code, (int)(await client.GetAsync(path))["code"]!);
    }
}
