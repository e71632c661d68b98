namespace CozeCluster.Sandbox.Coze;

/// <summary>Bots and workspaces: <c>/v1/bots</c>, older routes with the same purpose, and <c>/v1/workspaces</c>.</summary>
internal static class BotApi
{
    private const string Icon = "https://sandbox.test/icon.png";
    private static readonly long CreatedAt = DateTimeOffset.UnixEpoch.AddYears(55).ToUnixTimeSeconds();

    public static Task ListAsync(CozeContext context)
    {
        CheckWorkspace(context.Query("workspace_id"));
        var published = context.OptionalQuery("publish_status") switch
        {
            null or "published_online" => true,
            "unpublished_draft" => false,
            "all" => (bool?)null,
            var other => throw CozeException.InvalidParameter($"publish_status '{other}' is unknown"),
        };
        var bots = BotSeeds.All.Where(b => published is null || b.IsPublished == published).ToList();
        var items = GetPage(context, "page_num", bots).Select(b => new BotItem(b.Id, b.Name, b.Description, Icon, b.IsPublished, CreatedAt, "1")).ToList();
        return context.WriteDataAsync(new BotList(items, bots.Count), CozeJson.Utf8.EnvelopeBotList);
    }

    public static Task GetAsync(CozeContext context)
    {
        var bot = BotSeeds.Get((string)context.Http.Request.RouteValues["id"]!);
        if (!bot.IsPublished && context.OptionalQuery("is_published") is not "false") throw new CozeException(CozeErrorCodes.BotNotPublished);
        return WriteAsync(context, bot);
    }

    public static Task OnlineInfoAsync(CozeContext context) => WriteAsync(context, BotSeeds.GetPublished(context.Query("bot_id")));

    public static Task PublishedListAsync(CozeContext context)
    {
        CheckWorkspace(context.Query("space_id"));
        var bots = BotSeeds.All.Where(b => b.IsPublished).ToList();
        var items = GetPage(context, "page_index", bots).Select(b => new PublishedBot(b.Id, b.Name, b.Description, Icon, $"{CreatedAt}")).ToList();
        return context.WriteDataAsync(new PublishedBotList(items, bots.Count), CozeJson.Utf8.EnvelopePublishedBotList);
    }

    public static Task WorkspacesAsync(CozeContext context) => context.WriteDataAsync(
        new WorkspaceList([new Workspace(BotSeeds.WorkspaceId, "Sandbox", Icon, "owner", "personal")], 1), CozeJson.Utf8.EnvelopeWorkspaceList);

    private static Task WriteAsync(CozeContext context, SeededBot bot) => context.WriteDataAsync(
        new BotDetail(bot.Id, bot.Name, bot.Description, Icon, CreatedAt, CreatedAt, "1", new BotPrompt("Be kind."), 0), CozeJson.Utf8.EnvelopeBotDetail);

    private static void CheckWorkspace(string id)
    {
        if (id != BotSeeds.WorkspaceId) throw new CozeException(CozeErrorCodes.ResourceNotFound, $"Workspace {id} does not exist");
    }

    private static IEnumerable<SeededBot> GetPage(CozeContext context, string pageParameter, List<SeededBot> bots)
    {
        var number = context.IntQuery(pageParameter, defaultValue: 1, min: 1, max: int.MaxValue);
        var size = context.IntQuery("page_size", defaultValue: 20, min: 1, max: 100);
        return bots.Skip((int)Math.Min(bots.Count, (number - 1L) * size)).Take(size);
    }
}

/// <summary>The bots of the fake Coze. Their ids are fixed, so that fleet files can name them.</summary>
internal static class BotSeeds
{
    public const string WorkspaceId = "7360000000000000001";

    private static readonly SeededBot[] Bots =
    [
        new("7350000000000000001", "Sandbox One", "Answers everything.", IsPublished: true),
        new("7350000000000000002", "Sandbox Two", "Answers everything, too.", IsPublished: true),
        new("7350000000000000003", "Sandbox Three", "Answers everything as well.", IsPublished: true),
        new("7350000000000000004", "Sandbox Four", "And so does this one.", IsPublished: true),
        new("7350000000000000009", "Sandbox Draft", "Never published to the API.", IsPublished: false),
    ];

    public static IReadOnlyList<SeededBot> All => Bots;

    /// <summary>A published bot.</summary>
    /// <exception cref="CozeException">4006: it does not exist. 4015: it is not published.</exception>
    public static SeededBot GetPublished(string id) => Get(id) is { IsPublished: true } bot
        ? bot
        : throw new CozeException(CozeErrorCodes.BotNotPublished, $"Bot {id} has not been published to the API channel");

    /// <summary>A bot, published or not.</summary>
    /// <exception cref="CozeException">4006: it does not exist.</exception>
    public static SeededBot Get(string id) =>
        Array.Find(Bots, b => b.Id == id) ?? throw new CozeException(CozeErrorCodes.BotNotFound, $"Bot {id} does not exist");
}

internal sealed record SeededBot(string Id, string Name, string Description, bool IsPublished);
