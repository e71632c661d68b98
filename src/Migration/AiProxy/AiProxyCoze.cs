using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.AiProxy;

/// <summary>Reads the section <c>coze</c> of aiproxy.</summary>
internal static class AiProxyCoze
{
    private const long MaxTimeout = 86400;

    public static void Read(ReadContext context, Section coze, FleetValue? proxy)
    {
        var ownProxy = context.Proxy(coze, "proxy_url") ?? proxy;
        if (coze.Map("discord") is { } discord) ReadDiscord(context, discord, ownProxy);
        if (coze.Map("api_chat") is { } api) ReadApi(context, api, ownProxy);
        coze.NoteUnknown();
    }

    private static void ReadDiscord(ReadContext context, Section discord, FleetValue? proxy)
    {
        var ownProxy = context.Proxy(discord, "proxy_url") ?? proxy;
        var (guild, channel) = (discord.Text("guild_id"), discord.Text("channel_id"));
        var (token, users, bots) = (discord.Token("chat_bot_token"), discord.Tokens("auth"), discord.Tokens("coze_bot"));
        var timeout = discord.Number("request_stream_out_time", 1, int.MaxValue) ?? 300;
        discord.NoteWithout("The old program did not use it.", "request_out_time");
        if (discord.Flag("enable") != true)
        {
            context.Note("coze.discord.enable is not true, so bots on Discord were left out.");
            discord.NoteUnknown();
            return;
        }
        foreach (var (key, isMissing) in new[] { ("guild_id", guild is null), ("channel_id", channel is null), ("chat_bot_token", token is null),
            ("auth", users.Count == 0), ("coze_bot", bots.Count == 0) })
        {
            if (isMissing) discord.Report(key, "The value is missing.");
        }
        discord.Snowflake("guild_id");
        discord.Snowflake("channel_id");
        discord.Snowflakes("coze_bot");
        discord.NoteUnknown();
        if (guild is null || channel is null || token is null) return;

        context.Fleet.Listeners.Add(new OldListener(
            "listener", context.Secret("CHAT_BOT_TOKEN", token), FleetValue.Plain(guild), discord.From("chat_bot_token")) { Proxy = ownProxy });
        var accounts = users.Select((user, i) =>
        {
            var account = new OldAccount($"user-{i + 1}", "discord", context.Secret($"COZE_DISCORD_AUTH_{i + 1}", user), discord.From("auth"))
            {
                Proxy = ownProxy, Options = [new("kind", FleetValue.Plain("user"))],
            };
            context.Fleet.Accounts.Add(account);
            return account.Id;
        }).ToList();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var wait = Durations.Seconds(timeout, 1, MaxTimeout);
        var ids = bots.Select(bot => AddBot(context, Names.Id("discord-bot-", bot, taken), bot, accounts, channel, wait, discord)).ToList();
        context.Fleet.Models.Add(new OldModel("coze-discord", ids, [], discord.From("coze_bot")));
    }

    private static string AddBot(
        ReadContext context, string id, string bot, IReadOnlyList<string> accounts, string channel, FleetValue wait, Section discord)
    {
        var from = discord.From("request_stream_out_time");
        context.Fleet.Bots.Add(new OldBot(id, "discord", FleetValue.Plain(bot), accounts, discord.From("coze_bot"))
        {
            Timeouts = [new("first_byte", wait, from), new("idle", wait, from), new("total", wait, from)],
            KeepActive = [new("at", FleetValue.Plain("00:00")), new("text", FleetValue.Plain("Hi!"))],
            Options =
            [
                new("listener", FleetValue.Plain("listener")),
                new("channel", FleetValue.Plain("fixed")),
                new("channel_id", FleetValue.Plain(channel), discord.From("channel_id")),
                new("history", FleetValue.Plain("last")),
                new("long", FleetValue.Plain("reject")),
            ],
        });
        return id;
    }

    private static void ReadApi(ReadContext context, Section api, FleetValue? proxy)
    {
        var shared = api.Token("access_token");
        var accounts = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var ids = new List<string>();
        foreach (var entry in api.Maps("bots"))
        {
            var (botId, token) = (entry.Token("bot_id"), entry.Token("access_token") ?? shared);
            var user = entry.Text("user");
            if (!entry.Has("bot_id")) entry.Report("bot_id", "The id of the bot is missing.");
            if (token is null) entry.Report("access_token", "Neither the bot nor api_chat has a token.");
            entry.NoteUnknown();
            if (botId is null || token is null) continue;
            if (!accounts.TryGetValue(token, out var account))
            {
                account = accounts[token] = $"coze-{accounts.Count + 1}";
                var from = entry.Has("access_token") ? entry.From("access_token") : api.From("access_token");
                context.Fleet.Accounts.Add(new OldAccount(account, "coze", context.Secret($"COZE_TOKEN_{accounts.Count}", token), from) { Proxy = proxy });
            }
            var id = Names.Id("coze-bot-", botId, taken);
            ids.Add(id);
            var of = user is null ? "" : $", user {ReadContext.Printable(user)}";
            context.Fleet.Bots.Add(new OldBot(id, "coze", FleetValue.Plain(botId), [account], entry.From("bot_id") + of));
        }
        api.NoteUnknown();
        if (ids.Count == 0) return;
        context.Fleet.Models.Add(new OldModel("coze-api", ids, [], api.From("bots")));
        context.Note("user of each bot in coze.api_chat: requests say for whom they are (x-auth-id, or user); nothing is stored for it.");
    }
}
