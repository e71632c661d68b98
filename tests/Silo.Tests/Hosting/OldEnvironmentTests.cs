using CozeCluster.Migration;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Hosting;

/// <summary>When a node makes its fleet from the environment of an older system.</summary>
public sealed class OldEnvironmentTests : IDisposable
{
    private static readonly Dictionary<string, string?> Old = new()
    {
        ["USER_AUTHORIZATION"] = "u", ["BOT_TOKEN"] = "b", ["GUILD_ID"] = "1000000000000000001", ["COZE_BOT_ID"] = "1000000000000000002",
    };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void No_fleet_and_the_variables_of_coze_discord_proxy_are_enough()
    {
        var settings = Read([], Old);

        Assert.Equal((OldSystem.Cdp, null, 7077), (settings.FromEnv!.System, settings.Fleet, settings.Endpoints[0].Port));
    }

    [Fact]
    public void PORT_is_used() => Assert.Equal(8123, Read([], new(Old) { ["PORT"] = "8123" }).Endpoints[0].Port);

    [Fact]
    public void The_port_of_coze_chat_proxy_is_used_unless_another_is_set()
    {
        File.WriteAllText(
            Path.Combine(_folder.FullName, "bot.json"),
            """[{"model":"m","bot_token":"t","coze_bot_id":"1000000000000000002","guild_id":"1000000000000000001","channel_id":"1000000000000000003"}]""");

        Assert.Equal((OldSystem.Ccp, 8080), (Read([], []).FromEnv!.System, Read([], []).Endpoints[0].Port));
        Assert.Equal(9000, Read(["--port", "9000"], []).Endpoints[0].Port);
        Assert.Equal(OldSystem.Cdp, Read([], Old).FromEnv!.System);
    }

    [Fact]
    public void A_fleet_file_wins()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "fleet.yaml"), "");

        Assert.Null(Read(["--fleet", "fleet.yaml"], Old).FromEnv);
        Assert.Null(Read(["--fleet", "none.yaml"], Old).FromEnv);
        Assert.Null(Read([], new(Old) { ["COZECLUSTER_FLEET"] = "fleet.yaml" }).FromEnv);
        Assert.Null(Read(["--sandbox"], Old).FromEnv);
    }

    [Fact]
    public void A_fleet_file_that_an_image_names_and_that_is_not_there_does_not_win()
    {
        var settings = Read([], new(Old) { ["COZECLUSTER_FLEET"] = "none.yaml" });

        Assert.NotNull(settings.FromEnv);
        Assert.Null(settings.Fleet);
    }

    [Fact]
    public void It_can_be_switched_off() => Assert.Null(Read([], new(Old) { ["COZECLUSTER_FROM_ENV"] = "false" }).FromEnv);

    [Theory]
    [InlineData("--from-env: the environment has no fleet.", "--from-env")]
    [InlineData("--from-env: cannot be combined with --fleet", "--from-env", "--fleet", "fleet.yaml")]
    [InlineData("--from-env: sandbox mode has a fleet of its own", "--from-env", "--sandbox")]
    public void Asking_for_it_without_it_is_an_error(string expected, params string[] args) => Assert.Contains(
        Assert.Throws<StartException>(() => Read(args, [])).Lines, line => line.StartsWith(expected, StringComparison.Ordinal));

    [Fact]
    public void A_switch_that_is_neither_true_nor_false_is_reported_once() => Assert.Equal(
        ["COZECLUSTER_FROM_ENV: expected true or false, found 'yes'."],
        Assert.Throws<StartException>(() => Read(["--fleet", "f"], new() { ["COZECLUSTER_FROM_ENV"] = "yes" })).Lines);

    private NodeSettings Read(string[] args, Dictionary<string, string?> variables) =>
        NodeSettings.Read(new SettingSource(CommandLine.Parse(args).Values, variables, _folder.FullName), _folder.FullName);
}
