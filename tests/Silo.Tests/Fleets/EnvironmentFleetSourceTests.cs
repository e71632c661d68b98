using CozeCluster.Migration;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>The environment of coze-discord-proxy in the place of a fleet file.</summary>
public sealed class EnvironmentFleetSourceTests : IDisposable
{
    private const string Bots = """[{ "cozeBotId": "1000000000000000012", "model": "gpt-4", "proxySecret": "a" }]""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("environment-");

    private readonly Dictionary<string, string?> _variables = new()
    {
        ["USER_AUTHORIZATION"] = "user-token-1", ["BOT_TOKEN"] = "listener-token-1", ["GUILD_ID"] = "1000000000000000001",
        ["COZE_BOT_ID"] = "1000000000000000002", ["PROXY_SECRET"] = "a",
    };

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void IsUnchangedSince_ChangedBotConfig_IsFalse()
    {
        WriteBots(Bots);
        var source = Make();
        var snapshot = source.Read();

        Assert.True(source.IsUnchangedSince(snapshot));
        WriteBots(Bots.Replace("gpt-4", "gpt-5", StringComparison.Ordinal));
        Assert.False(source.IsUnchangedSince(snapshot));
        WriteBots("[");
        Assert.False(source.IsUnchangedSince(snapshot));
    }

    [Fact]
    public void IsUnchangedSince_OtherSecret_IsFalse()
    {
        var source = Make();
        var snapshot = source.Read();

        _variables["BOT_TOKEN"] = "listener-token-2";

        Assert.False(source.IsUnchangedSince(snapshot));
    }

    [Fact]
    public void Read_BrokenBotConfig_ReportsItsPlaceAlone()
    {
        WriteBots("[\n{ \"cozeBotId\": \"secret\" }]");

        var error = Assert.Throws<StartException>(() => Make().ReadValid());

        Assert.Equal([Path.Combine("config", "bot_config.json") + ":2: [0].cozeBotId: Expected an id of Discord: decimal digits."], error.Lines);
    }

    [Fact]
    public void Folder_IsThatOfTheFile()
    {
        Assert.Null(Make().Folder);
        WriteBots(Bots);
        Assert.Equal(Path.Combine(_folder.FullName, "config"), Make().Folder);
    }

    [Fact]
    public void Describe_NamesTheSystemAndTheFile()
    {
        WriteBots(Bots);

        Assert.Equal(
            $"No fleet file: the fleet is made from the environment of coze-discord-proxy and {Path.Combine("config", "bot_config.json")}. "
            + "To prevent this, set COZECLUSTER_FROM_ENV=false",
            Make().Describe());
    }

    private EnvironmentFleetSource Make() => new(new OldEnvironment(OldSystem.Cdp, _variables, _folder.FullName), [7077]);

    private void WriteBots(string text)
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "config"));
        File.WriteAllText(Path.Combine(_folder.FullName, "config", "bot_config.json"), text);
    }
}
