using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class MigrateCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("migrate-");
    private readonly StringWriter _output = new();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Parse_Migrate_HasDefaults()
    {
        var line = CommandLine.Parse(["migrate", "old"]);

        Assert.Equal(NodeCommand.Migrate, line.Command);
        Assert.Equal(new MigrateRequest("old", null, "fleet.yaml", Force: false, InlineSecrets: false), line.Migration);
        Assert.Null(CommandLine.Parse(["check"]).Migration);
    }

    [Fact]
    public void Parse_MigrateWithEverything_IsRead() => Assert.Equal(
        new MigrateRequest("old", "cdp", "f.yaml", Force: true, InlineSecrets: true),
        CommandLine.Parse(["migrate", "old", "--from", "cdp", "--out", "f.yaml", "--force", "--inline-secrets"]).Migration);

    [Fact]
    public void Run_Sample_WritesFleetAndVariables()
    {
        Assert.Equal(ExitCodes.Success, Run("cdp"));

        var (fleet, variables) = (Read("fleet.yaml"), Read("fleet.env"));
        Assert.Contains("token: ${BOT_TOKEN}", fleet, StringComparison.Ordinal);
        Assert.DoesNotContain("listener-token-1", fleet, StringComparison.Ordinal);
        Assert.Contains("BOT_TOKEN=listener-token-1\n", variables, StringComparison.Ordinal);
        Assert.Contains("Note: CHANNEL_ID was left out", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("listener-token-1", _output.ToString(), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode("fleet.env"));
    }

    [Fact]
    public void Run_InlineSecrets_ProtectsTheFleetFile()
    {
        Run("cdp", inline: true);

        Assert.Contains("token: listener-token-1", Read("fleet.yaml"), StringComparison.Ordinal);
        Assert.Equal(["fleet.yaml"], _folder.GetFiles().Select(file => file.Name));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode("fleet.yaml"));
    }

    [Theory]
    [InlineData("fleet.yaml")]
    [InlineData("fleet.env")]
    public void Run_FileExists_ChangesNothingUnlessForced(string name)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, name), "mine");

        var error = Assert.Throws<ClusterException>(() => Run("cdp"));

        Assert.EndsWith($"{name} exists already. Name another file, or use --force.", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", Read(name));
        Assert.Single(_folder.GetFiles());

        Assert.Equal(ExitCodes.Success, Run("cdp", force: true));
        Assert.NotEqual("mine", Read(name));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode("fleet.env"));
    }

    [Fact]
    public void Run_NoFolder_IsAFailureToWrite() =>
        Assert.Contains("cannot be written", Assert.Throws<ClusterException>(() => Run("cdp", target: "none/fleet.yaml")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("cpd", "fleet.yaml", "--from: expected one of cdp, ccp, cdb, rca, aiproxy, found 'cpd'. Did you mean 'cdp'?")]
    [InlineData(null, "fleet.env", "--out: the name of a fleet file cannot end with .env")]
    [InlineData("rca", "fleet.yaml", "has no configuration that can be migrated")]
    public void Run_WrongRequest_IsExplained(string? from, string target, string expected) => Assert.Contains(
        expected, Assert.Throws<StartException>(() => Run("cdp", from: from, target: target)).Message, StringComparison.Ordinal);

    private int Run(string sample, string? from = null, string target = "fleet.yaml", bool force = false, bool inline = false)
    {
        var source = Path.Combine(SourceTree.Root, "tests", "Migration.Tests", "Samples", sample);
        return MigrateCommand.Run(new MigrateRequest(source, from, target, force, inline), _folder.FullName, _output);
    }

    private string Read(string name) => File.ReadAllText(Path.Combine(_folder.FullName, name));

    private UnixFileMode Mode(string name) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(Path.Combine(_folder.FullName, name));
}
