using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Bots;

/// <summary>Bots and workspaces: <c>/v1/bots</c>, the older calls of the same kind, and <c>/v1/workspaces</c>.</summary>
internal static class BotApi
{
    private const string Icon = "https://sandbox.test/icon.png";
    private static readonly long Since = DateTimeOffset.UnixEpoch.AddYears(55).ToUnixTimeSeconds();

    public static Task ListAsync(CozeCall call)
    {
        RequireWorkspace(call.Query("workspace_id"));
        var published = call.OptionalQuery("publish_status") switch
        {
            null or "published_online" => true,
            "unpublished_draft" => false,
            "all" => (bool?)null,
            var other => throw new CozeException(CozeErrors.Parameters, $"publish_status '{other}' is unknown"),
        };
        var bots = BotFleet.All.Where(b => published is null || b.IsPublished == published).ToList();
        var items = Page(call, "page_num", bots).Select(b => new BotItem(b.Id, b.Name, b.Description, Icon, b.IsPublished, Since, "1")).ToList();
        return call.OkAsync(new BotList(items, bots.Count), CozeJson.Wire.EnvelopeBotList);
    }

    public static Task GetAsync(CozeCall call)
    {
        var bot = BotFleet.Find((string)call.Http.Request.RouteValues["id"]!);
        if (!bot.IsPublished && call.OptionalQuery("is_published") is not "false") throw new CozeException(CozeErrors.BotNotPublished);
        return AnswerAsync(call, bot);
    }

    public static Task OnlineInfoAsync(CozeCall call) => AnswerAsync(call, BotFleet.Published(call.Query("bot_id")));

    public static Task PublishedListAsync(CozeCall call)
    {
        RequireWorkspace(call.Query("space_id"));
        var bots = BotFleet.All.Where(b => b.IsPublished).ToList();
        var items = Page(call, "page_index", bots).Select(b => new PublishedBot(b.Id, b.Name, b.Description, Icon, $"{Since}")).ToList();
        return call.OkAsync(new PublishedBotList(items, bots.Count), CozeJson.Wire.EnvelopePublishedBotList);
    }

    public static Task WorkspacesAsync(CozeCall call) => call.OkAsync(
        new WorkspaceList([new Workspace(BotFleet.WorkspaceId, "Sandbox", Icon, "owner", "personal")], 1), CozeJson.Wire.EnvelopeWorkspaceList);

    private static Task AnswerAsync(CozeCall call, SandboxBot bot) => call.OkAsync(
        new BotDetail(bot.Id, bot.Name, bot.Description, Icon, Since, Since, "1", new BotPrompt("Be kind."), 0), CozeJson.Wire.EnvelopeBotDetail);

    private static void RequireWorkspace(string id)
    {
        if (id != BotFleet.WorkspaceId) throw new CozeException(CozeErrors.ResourceNotFound, $"Workspace {id} does not exist");
    }

    private static IEnumerable<SandboxBot> Page(CozeCall call, string pageName, List<SandboxBot> bots)
    {
        var number = call.Query(pageName, absent: 1, least: 1, most: int.MaxValue);
        var size = call.Query("page_size", absent: 20, least: 1, most: 100);
        return bots.Skip((int)Math.Min(bots.Count, (number - 1L) * size)).Take(size);
    }
}
