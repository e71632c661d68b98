namespace CozeCluster.Sandbox.Coze.Bots;

/// <summary>The bots the fake has. Their ids are fixed, so that fleet files can name them.</summary>
internal static class BotFleet
{
    public const string WorkspaceId = "7360000000000000001";

    private static readonly SandboxBot[] Bots =
    [
        new("7350000000000000001", "Sandbox One", "Answers everything.", IsPublished: true),
        new("7350000000000000002", "Sandbox Two", "Answers everything, too.", IsPublished: true),
        new("7350000000000000003", "Sandbox Three", "Answers everything as well.", IsPublished: true),
        new("7350000000000000004", "Sandbox Four", "And so does this one.", IsPublished: true),
        new("7350000000000000009", "Sandbox Draft", "Never published to the API.", IsPublished: false),
    ];

    public static IReadOnlyList<SandboxBot> All => Bots;

    /// <summary>The bot with this id.</summary>
    /// <exception cref="CozeException">4006: there is none. 4015: it is not published.</exception>
    public static SandboxBot Published(string id) => Find(id) is { IsPublished: true } bot ? bot : throw new CozeException(CozeErrors.BotNotPublished, $"Bot {id} has not been published to the API channel");

    /// <summary>The bot with this id, published or not.</summary>
    /// <exception cref="CozeException">4006: there is none.</exception>
    public static SandboxBot Find(string id) =>
        Array.Find(Bots, b => b.Id == id) ?? throw new CozeException(CozeErrors.BotNotFound, $"Bot {id} does not exist");
}

internal sealed record SandboxBot(string Id, string Name, string Description, bool IsPublished);
