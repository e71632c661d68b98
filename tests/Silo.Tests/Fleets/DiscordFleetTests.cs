using CozeCluster.Discord;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class DiscordFleetTests
{
    [Fact]
    public void Read_ValidFile_ReturnsEverything()
    {
        var result = SampleFleet.Read(SampleFleet.Discord);

        Assert.Empty(result.Problems);
        var fleet = result.File!;
        Assert.Equal(["ear", "other-ear"], fleet.Listeners.Select(listener => listener.Definition.Id));
        Assert.Equal(["1000000000000000001", "1000000000000000002"], fleet.Listeners.Select(listener => listener.Definition.GuildId));
        Assert.Equal(["https://discord.com/api/v10", "http://discord.example/api/v10"], fleet.Listeners.Select(listener => listener.Definition.BaseUrl));
        Assert.Equal([null, "ws://gateway.example"], fleet.Listeners.Select(listener => listener.Definition.GatewayUrl));
        Assert.Equal([1, 2], fleet.Listeners.Select(listener => listener.Definition.Shards));
        Assert.Equal(["listener_token_1", "listener_token_2"], fleet.Listeners.Select(listener => listener.Token));
        Assert.Equal([null, "http://user:password@proxy.example:8080"], fleet.Listeners.Select(listener => listener.Proxy));

        Assert.Equal(["https://discord.com/api/v10", "https://discord.com/api/v10"], fleet.Accounts.Select(account => account.Definition.BaseUrl));
        Assert.Equal(
            new DiscordAccountOptions { Kind = DiscordAccountKind.User, UserAgent = "Mozilla/5.0 (X11)", DailyPosts = 80 },
            DiscordAccountOptions.Of(fleet.Accounts[0].Definition));
        Assert.Equal(new DiscordAccountOptions(), DiscordAccountOptions.Of(fleet.Accounts[1].Definition));

        var bot = Assert.Single(fleet.Bots);
        Assert.Equal(("discord", "1000000000000000031"), (bot.Upstream, bot.UpstreamBotId));
        var options = DiscordBotOptions.Of(bot);
        Assert.Equal(("ear", DiscordChannelMode.Thread, "1000000000000000041"), (options.Listener, options.Channel, options.ChannelId));
    }

    [Fact]
    public void Read_UserAccounts_AddAWarning()
    {
        Assert.Equal(
            ["The fleet sends to Discord with user accounts (writer). Discord's terms forbid automating user accounts; they may be banned."],
            OfUserAccounts(SampleFleet.Discord));
        Assert.Empty(OfUserAccounts(SampleFleet.DiscordWith("""kind: user, user_agent: "Mozilla/5.0 (X11)",""", "kind: bot,")));
        Assert.Empty(OfUserAccounts(SampleFleet.Text));

        static IEnumerable<string> OfUserAccounts(string text) =>
            SampleFleet.Read(text).File!.Warnings.Where(warning => warning.Contains("user accounts", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("accounts: [robot]", "", true)]
    [InlineData("accounts: [robot, other-robot]", "", true)]
    [InlineData("accounts: [robot, person]", "", false)]
    [InlineData("accounts: [robot]", ", answers_bots: true", false)]
    [InlineData("accounts: [robot]", ", answers_bots: false", true)]
    public void Read_BotWhoseAccountsAreBots_WarnsWithWhatToAdd(string accounts, string options, bool isWarned)
    {
        var result = SampleFleet.Read($$"""
            allow_user_accounts: true
            tenants:
              - { id: acme, keys: [{ name: app, key: k8vQ2mZs71LxTnRb4cWd }] }
            listeners:
              - { id: ear, token: listener_token_1, guild_id: 1000000000000000001 }
            accounts:
              - { id: robot, upstream: discord, token: account_token_1 }
              - { id: other-robot, upstream: discord, token: account_token_2, options: { kind: bot } }
              - { id: person, upstream: discord, token: account_token_3, options: { kind: user } }
            bots:
              - { id: hosted, upstream: discord, bot_id: 1000000000000000031, {{accounts}}, options: { listener: ear{{options}} } }
            models:
              - { id: m, bots: [hosted] }
            """);

        Assert.Empty(result.Problems);
        var warnings = result.File!.Warnings.Where(warning => warning.Contains("gets no replies", StringComparison.Ordinal)).ToList();
        Assert.Equal(isWarned ? 1 : 0, warnings.Count);
        Assert.All(warnings, warning =>
        {
            Assert.StartsWith("The bot 'hosted' gets no replies from a bot that Coze hosts", warning, StringComparison.Ordinal);
            Assert.Contains("'options: { kind: user }'", warning, StringComparison.Ordinal);
            Assert.Contains("'allow_user_accounts: true'", warning, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', warning);
        });
    }

    [Theory]
    // Listeners
    [InlineData("    token: listener_token_1\n", "", "5:5: listeners[0]: Expected exactly one of 'token' and 'token_file', found none.")]
    [InlineData("token: listener_token_1", "token: listener_token_1\n    token_file: /nowhere",
        "5:5: listeners[0]: Expected exactly one of 'token' and 'token_file', found 2.|"
        + "7:17: listeners[0].token_file: The file '/nowhere' does not exist or cannot be read. Relative paths start in the folder of the fleet file.")]
    [InlineData("token: listener_token_1", "token: Bot listener_token_1", "6:12: listeners[0].token: Expected a token: printable ASCII characters, no spaces.")]
    [InlineData("listener_token_2", "listener_token_1",
        "9:12: listeners[1].token: This is the same token as that of the listener in line 6; Discord gives a bot one connection.")]
    [InlineData("id: other-ear", "id: ear", "8:9: listeners[1].id: There is another listener 'ear' in line 5.")]
    [InlineData("    guild_id: 1000000000000000001\n", "", "5:5: listeners[0]: 'guild_id' is missing.")]
    [InlineData("guild_id: 1000000000000000001", "guild_id: my-server", "7:15: listeners[0].guild_id: Expected a Discord id: decimal digits, 64 bits.")]
    [InlineData("guild_id: 1000000000000000001", "guild_id: 99999999999999999999",
        "7:15: listeners[0].guild_id: Expected a Discord id: decimal digits, 64 bits.")]
    [InlineData("guild_id: 1000000000000000001", "guild_id: 0", "7:15: listeners[0].guild_id: Expected a Discord id: decimal digits, 64 bits.")]
    [InlineData("http://discord.example/api/v10/", "discord.example",
        "11:15: listeners[1].base_url: Expected a URL that begins with https:// or http://, without user, query or fragment.")]
    [InlineData("ws://gateway.example", "https://gateway.example",
        "12:18: listeners[1].gateway_url: Expected a URL that begins with wss:// or ws://, without user, query or fragment.")]
    [InlineData("shards: 2", "shards: 0", "13:13: listeners[1].shards: Expected a whole number from 1 to 10000.")]
    [InlineData("proxy: http://user", "proxy: ftp://user",
        "14:12: listeners[1].proxy: Expected a URL that begins with http://, socks4://, socks4a:// or socks5://, with nothing after host and port.")]
    [InlineData("shards: 2", "shard: 2", "13:5: listeners[1].shard: 'shard' is not a known key. Did you mean 'shards'?")]
    [InlineData("listeners:", "listener:",
        "4:1: listener: 'listener' is not a known key. Did you mean 'listeners'?|30:17: bots[0].options.listener: There is no listener 'ear'.")]
    // Accounts
    [InlineData("kind: user", "kind: person", "19:22: accounts[0].options.kind: Invalid option: expected bot or user.")]
    [InlineData("daily_posts: 80", "daily_posts: 0",
        "19:74: accounts[0].options.daily_posts: Invalid option: expected a whole number from 1 to 1000000.")]
    [InlineData("daily_posts: 80", "colour: red",
        "19:69: accounts[0].options.colour: Invalid option: unknown; Discord accounts have kind, user_agent, daily_posts.")]
    [InlineData("account_token_2", "account_token_1",
        "22:12: accounts[1].token: This is the same token as that of the account in line 18; an account may serve several bots, so that its limits are "
        + "kept in one place.")]
    [InlineData("    token: account_token_2\n", "", "20:5: accounts[1]: Expected exactly one of 'token' and 'token_file', found none.")]
    [InlineData("token: account_token_2", "oauth: { app_id: 1, key_id: 2, private_key_file: /x }",
        "22:12: accounts[1].oauth: Accounts of the upstream 'discord' have a token. They cannot use an OAuth application.|"
        + "22:54: accounts[1].oauth.private_key_file: The file '/x' does not exist or cannot be read. Relative paths start in the folder of the fleet "
        + "file.")]
    [InlineData("allow_user_accounts: true", "allow_user_accounts: false",
        "19:22: accounts[0].options.kind: User accounts are refused unless the file contains 'allow_user_accounts: true' at its top level: Discord's "
        + "terms forbid automating them, and the account may be banned.")]
    [InlineData("allow_user_accounts: true", "allow_user_accounts: yes",
        "19:22: accounts[0].options.kind: User accounts are refused unless the file contains 'allow_user_accounts: true' at its top level: Discord's "
        + "terms forbid automating them, and the account may be banned.|36:22: allow_user_accounts: Expected true or false.")]
    // Bots
    [InlineData("listener: ear", "listener: eer", "30:17: bots[0].options.listener: There is no listener 'eer'. Did you mean 'ear'?")]
    [InlineData("      listener: ear\n", "", "30:7: bots[0].options: Option 'listener': missing: the id of a listener.")]
    [InlineData("channel_id: 1000000000000000041", "channel_id: general",
        "32:19: bots[0].options.channel_id: Invalid option: expected a Discord id: decimal digits.")]
    [InlineData("      channel_id: 1000000000000000041\n", "", "30:7: bots[0].options: Option 'channel_id': missing: channel thread needs it.")]
    [InlineData("channel_id: 1000000000000000041", "channel_id: [1]", "32:19: bots[0].options.channel_id: Expected a text, found a list.")]
    [InlineData("channel: thread", "channel: threads",
        "31:16: bots[0].options.channel: Invalid option: expected fresh, thread, fixed or named.|"
        + "32:19: bots[0].options.channel_id: Invalid option: only for channel fixed or thread.")]
    [InlineData("bot_id: 1000000000000000031", "bot_id: helper", "27:13: bots[0].bot_id: Expected a Discord id: decimal digits, 64 bits.")]
    [InlineData("upstream: discord\n    token: account_token_2", "upstream: coze\n    token: account_token_2",
        "28:24: bots[0].accounts[1]: This account is for the upstream 'coze', but the bot is for 'discord'.")]
    public void Read_OneMistake_ReportsExactMessage(string old, string @new, string expected)
    {
        var result = SampleFleet.Read(SampleFleet.DiscordWith(old, @new));

        Assert.Equal(expected, string.Join('|', result.Problems));
        Assert.Null(result.File);
    }

    [Fact]
    public void Read_BotWithoutOptions_ReportsThePlaceOfTheBot()
    {
        var at = SampleFleet.Discord.IndexOf("    options:\n      listener", StringComparison.Ordinal);
        var end = SampleFleet.Discord.IndexOf("models:", StringComparison.Ordinal);

        var problem = Assert.Single(SampleFleet.Read(SampleFleet.Discord.Remove(at, end - at)).Problems);

        Assert.Equal("25:5: bots[0]: Option 'listener': missing: the id of a listener.", problem.ToString());
    }

    [Fact]
    public void Read_AnyMistake_NoMessageContainsASecret()
    {
        string[] secrets = ["key-of-acme", "listener_token", "account_token", "user:password"];
        var lines = SampleFleet.Discord.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            foreach (var broken in SampleFleet.BrokenVersionsOf(lines[i]))
            {
                var text = string.Join('\n', lines[..i].Append(broken).Concat(lines[(i + 1)..]));
                foreach (var problem in SampleFleet.Read(text).Problems)
                    Assert.DoesNotContain(secrets, secret => problem.ToString().Contains(secret, StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void Build_ListenerSecrets_AreEncrypted()
    {
        var seal = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]);

        var fleet = FleetBuilder.Build(SampleFleet.Read(SampleFleet.Discord).File!, seal);

        Assert.Equal(["listener_token_1", "listener_token_2"], fleet.Listeners.Select(listener => seal.Open(listener.Token)));
        Assert.Equal("http://user:password@proxy.example:8080", seal.Open(fleet.Listeners[1].Proxy!));
        Assert.DoesNotContain("listener_token", System.Text.Json.JsonSerializer.Serialize(fleet, MessagesJson.Default.Fleet), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("listener_token_1", "listener_token_3")]
    [InlineData("guild_id: 1000000000000000001", "guild_id: 1000000000000000003")]
    [InlineData("user:password", "user:passphrase")]
    [InlineData("shards: 2", "shards: 3")]
    [InlineData("daily_posts: 80", "daily_posts: 81")]
    public void Build_OtherContent_IsAnotherVersion(string old, string @new) =>
        Assert.NotEqual(Version(SampleFleet.Discord), Version(SampleFleet.DiscordWith(old, @new)));

    private static string Version(string text) => FleetBuilder.Build(SampleFleet.Read(text).File!, new AesSecretSeal(new byte[AesSecretSeal.KeyBytes])).Version;
}
