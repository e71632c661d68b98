using System.Security.Cryptography;
using System.Text.RegularExpressions;
using CozeCluster.Discord;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>What the documentation shows and lists is what the node takes.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = FindRoot();
    private static readonly string Configuration = File.ReadAllText(Path.Combine(Root, "docs", "configuration.md"));
    private static readonly string Discord = File.ReadAllText(Path.Combine(Root, "docs", "discord.md"));

    [Fact]
    public void Example_fleet_loads()
    {
        using var rsa = RSA.Create(2048);
        var variables = new Dictionary<string, string>
        {
            ["ACME_KEY"] = "a-long-random-key",
            ["OPERATIONS_KEY"] = "another-long-random-key",
            ["COZE_TOKEN"] = "pat_1",
            ["COZE_CN_TOKEN"] = "pat_2",
            ["LISTENER_TOKEN"] = "listener",
            ["WRITER_TOKEN"] = "writer",
            ["COZE_OAUTH_KEY_ID"] = "fingerprint",
            ["COZE_OAUTH_PRIVATE_KEY"] = rsa.ExportPkcs8PrivateKeyPem(),
        };
        var source = new FleetFileSource(Path.Combine(Root, "docs", "fleet.example.yaml"), new EnvironmentValues(variables.GetValueOrDefault));

        var snapshot = source.Read();

        Assert.Empty(snapshot.Result.Problems);
        var fleet = snapshot.Result.File!;
        Assert.Equal((2, 1, 4, 4, 3), (fleet.Tenants.Count, fleet.Listeners.Count, fleet.Accounts.Count, fleet.Bots.Count, fleet.Models.Count));
        Assert.Equal("socks5://127.0.0.1:1080", fleet.Accounts[2].Proxy);
        Assert.Equal(30, fleet.Bots[2].Timeouts.Total.TotalMinutes);
        Assert.Equal((TimeSpan.FromHours(12), "Asia/Shanghai"), (fleet.Bots[0].KeepActive!.Every, fleet.Bots[2].KeepActive!.TimeZone));
        Assert.Equal("https://chat.example.com/hooks/cozecluster", fleet.Notifications!.Webhook!.Url);
        Assert.Equal("-1001234567890", fleet.Notifications.Telegram!.ChatId);
    }

    [Fact]
    public void Fleets_in_the_text_load()
    {
        var fleets = Yaml().Matches(Configuration + Discord).Select(match => match.Groups[1].Value).ToList();

        Assert.Equal(2, fleets.Count);
        Assert.All(fleets, fleet => Assert.Empty(new FleetReader(new EnvironmentValues(name => $"value-of-{name}")).Read(fleet, "/").Problems));
    }

    [Fact]
    public void Every_option_of_a_Discord_bot_is_listed()
    {
        DiscordBotOptions.TryParse(new Dictionary<string, string> { ["?"] = "" }, out _, out var errors);

        // Two rows list several options, the later ones without what they begin with.
        var names = errors["?"][(errors["?"].IndexOf("have", StringComparison.Ordinal) + 5)..].Split(", ");
        Assert.All(names, name => Assert.True(
            Discord.Contains($"`{name}`", StringComparison.Ordinal) || Discord.Contains($"`.{name.Split('.')[^1]}`", StringComparison.Ordinal), name));
    }

    [Fact]
    public void Every_channel_mode_and_every_way_with_long_prompts_is_told()
    {
        Assert.All(Enum.GetNames<DiscordChannelMode>().Concat(Enum.GetNames<DiscordLongPrompt>()), name => Assert.Contains($"`{name.ToLowerInvariant()}`", Discord, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_setting_is_listed_with_its_names_and_default()
    {
        foreach (var setting in Settings.All)
        {
            var row = $"| {(setting.Secret ? "" : $"`{setting.Option}` ")}| `{setting.Variable}` | `{setting.Key}` | {(setting.Default is null ? "" : $"`{setting.Default}` ")}|";
            Assert.True(Configuration.Contains(row, StringComparison.Ordinal), $"docs/configuration.md lacks: {row}");
        }
    }

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Yaml();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CozeCluster.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
