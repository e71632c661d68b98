namespace CozeCluster.Sandbox.Coze.Wire;

internal sealed record BotList(IReadOnlyList<BotItem> Items, int Total);

internal sealed record BotItem(string Id, string Name, string Description, string IconUrl, bool IsPublished, long UpdatedAt, string OwnerUserId);

internal sealed record PublishedBotList(IReadOnlyList<PublishedBot> SpaceBots, int Total);

internal sealed record PublishedBot(string BotId, string BotName, string Description, string IconUrl, string PublishTime);

internal sealed record BotDetail(
    string BotId, string Name, string Description, string IconUrl, long CreateTime, long UpdateTime, string Version, BotPrompt PromptInfo, int BotMode);

internal sealed record BotPrompt(string Prompt);

internal sealed record WorkspaceList(IReadOnlyList<Workspace> Workspaces, int TotalCount);

internal sealed record Workspace(string Id, string Name, string IconUrl, string RoleType, string WorkspaceType);
