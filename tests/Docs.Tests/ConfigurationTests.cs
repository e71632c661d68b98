using System.Security.Cryptography;
using CozeCluster.Discord;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Docs.Tests;

/// <summary>What <c>docs/configuration.md</c>, <c>docs/discord.md</c> and <c>docs/fleet.example.yaml</c> show and list is what the node takes.</summary>
public sealed class ConfigurationTests
{
    private static readonly string Discord = Repository.Read("docs/discord.md");

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
            ["OPENAI_KEY"] = "sk_3",
            ["LISTENER_TOKEN"] = "listener",
            ["WRITER_TOKEN"] = "writer",
            ["COZE_OAUTH_KEY_ID"] = "fingerprint",
            ["COZE_OAUTH_PRIVATE_KEY"] = rsa.ExportPkcs8PrivateKeyPem(),
        };
        var source = new FleetFileSource(Path.Combine(Repository.Root, "docs", "fleet.example.yaml"), new EnvironmentValues(variables.GetValueOrDefault));

        var snapshot = source.Read();

        Assert.Empty(snapshot.Result.Problems);
        var fleet = snapshot.Result.File!;
        Assert.Equal((2, 1, 5, 5, 3), (fleet.Tenants.Count, fleet.Listeners.Count, fleet.Accounts.Count, fleet.Bots.Count, fleet.Models.Count));
        Assert.Equal("socks5://127.0.0.1:1080", fleet.Accounts[2].Proxy);
        Assert.Equal(30, fleet.Bots[2].Timeouts.Total.TotalMinutes);
        Assert.Equal((TimeSpan.FromHours(12), "Asia/Shanghai"), (fleet.Bots[0].KeepActive!.Every, fleet.Bots[2].KeepActive!.TimeZone));
        Assert.Equal("https://chat.example.com/hooks/cozecluster", fleet.Notifications!.Webhook!.Url);
        Assert.Equal("-1001234567890", fleet.Notifications.Telegram!.ChatId);
    }

    /// <summary>The commands at the top of the example set every variable that the file needs.</summary>
    [Fact]
    public void Commands_in_the_example_fleet_work()
    {
        var commands = Repository.Read("docs/fleet.example.yaml").Split('\n').Where(line => line.StartsWith("#   ", StringComparison.Ordinal))
            .Select(line => line[4..]).ToList();
        Assert.StartsWith("dotnet run --project src/Silo -- check ", commands[^1], StringComparison.Ordinal);
        var program = $"dotnet '{AppContext.BaseDirectory}CozeCluster.Silo.dll'";
        commands[^1] = commands[^1].Replace("dotnet run --project src/Silo --", program, StringComparison.Ordinal);

        var (exitCode, output) = Programs.Run("bash", "-c", $"set -e; cd '{Repository.Root}'\n{string.Join('\n', commands)}");

        Assert.True(exitCode == 0, output);
        Assert.Contains("is valid: 2 tenants with 3 API keys, 1 listener, 5 accounts, 5 bots, 3 models.", output, StringComparison.Ordinal);
        Assert.DoesNotContain("easy to guess", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_option_of_a_Discord_bot_is_listed()
    {
        DiscordBotOptions.TryParse(new Dictionary<string, string> { ["?"] = "" }, out _, out var errors);

        // Two rows list several options, the later ones without what they begin with.
        var names = errors["?"][(errors["?"].IndexOf("have", StringComparison.Ordinal) + 5)..].Split(", ");
        Assert.All(names, name => Assert.True(
            Discord.Contains($"`{name}`") || Discord.Contains($"`.{name.Split('.')[^1]}`"), name));
    }

    [Fact]
    public void Every_channel_mode_and_every_way_with_long_prompts_is_listed() => Assert.All(
        Enum.GetNames<DiscordChannelMode>().Concat(Enum.GetNames<DiscordLongPrompt>()), name => Assert.Contains($"`{name.ToLowerInvariant()}`", Discord));

    [Theory]
    [InlineData("docs/configuration.md")]
    [InlineData("docs/zh-CN/configuration.md")]
    public void Every_setting_is_listed_with_its_names_and_default(string path)
    {
        var text = Repository.Read(path);
        foreach (var setting in Settings.All)
        {
            var option = setting.Secret ? "" : $"`{setting.Option}` ";
            var value = setting.Default is null ? "" : $"`{setting.Default}` ";
            var row = $"| {option}| `{setting.Variable}` | `{setting.Key}` | {value}|";
            Assert.True(text.Contains(row), $"{path} lacks: {row}");
        }
    }
}
