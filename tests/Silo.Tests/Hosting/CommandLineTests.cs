using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class CommandLineTests
{
    [Fact]
    public void Parse_Nothing_SetsNothing()
    {
        var line = CommandLine.Parse([]);

        Assert.Empty(line.Values);
        Assert.Equal(NodeCommand.Run, line.Command);
        Assert.False(line.IsHandled);
    }

    [Fact]
    public void Parse_Options_AreSettings()
    {
        var line = CommandLine.Parse(["--sandbox", "--port", "1", "--data=here", "--drain-time", "5s"]);

        Assert.Equal(
            new Dictionary<string, string> { ["sandbox"] = "true", ["port"] = "1", ["data"] = "here", ["drain-time"] = "5s" },
            line.Values);
    }

    [Theory]
    [InlineData("check", "--fleet", "f.yaml")]
    [InlineData("--fleet", "f.yaml", "check")]
    public void Parse_Check_AcceptsTheFleet(params string[] args)
    {
        var line = CommandLine.Parse(args);

        Assert.Equal(NodeCommand.Check, line.Command);
        Assert.Equal("f.yaml", line.Values["fleet"]);
        Assert.False(line.IsOnline);
    }

    [Fact]
    public void Parse_CheckOnline_IsAnOptionOfCheckOnly()
    {
        Assert.True(CommandLine.Parse(["check", "--online", "--fleet", "f.yaml"]).IsOnline);
        Assert.Throws<StartException>(() => CommandLine.Parse(["--online", "--fleet", "f.yaml"]));
    }

    [Theory]
    [InlineData("repl")]
    [InlineData("chat")]
    public void Parse_Repl_AcceptsUrlAndModel(string name)
    {
        var line = CommandLine.Parse([name, "--url", "http://host:1", "--model", "m"]);

        Assert.Equal((NodeCommand.Repl, ("http://host:1", "m")), (line.Command, line.Repl));
        Assert.Throws<StartException>(() => CommandLine.Parse([name, "--key", "k"]));
        Assert.Throws<StartException>(() => CommandLine.Parse(["--url", "http://host:1"]));
    }

    [Fact]
    public void Parse_SchemaApply_AcceptsTheDatabase()
    {
        var line = CommandLine.Parse(["schema", "apply", "--postgres", "Host=db"]);

        Assert.Equal(NodeCommand.SchemaApply, line.Command);
        Assert.Equal("Host=db", line.Values["postgres"]);
    }

    [Fact]
    public void Parse_StoreMove_AcceptsFolderDatabaseAndCluster()
    {
        var line = CommandLine.Parse(["store", "move", "--data", "d", "--postgres", "Host=db", "--cluster-id", "c"]);

        Assert.Equal(NodeCommand.StoreMove, line.Command);
        Assert.Equal(["d", "Host=db", "c"], [line.Values["data"], line.Values["postgres"], line.Values["cluster-id"]]);
    }

    [Fact]
    public void Parse_StoreAccept_AcceptsFolder()
    {
        var line = CommandLine.Parse(["store", "accept", "--data", "d"]);

        Assert.Equal((NodeCommand.StoreAccept, "d"), (line.Command, line.Values["data"]));
    }

    [Theory]
    [InlineData(NodeCommand.StoreBackup, "store", "backup", "--to", "f", "--data", "d")]
    [InlineData(NodeCommand.StoreBackup, "--data", "d", "store", "backup", "--to=f")]
    [InlineData(NodeCommand.StoreRestore, "store", "restore", "--from", "f", "--data", "d")]
    internal void Parse_StoreBackupAndRestore_AcceptAFileAndAFolder(NodeCommand command, params string[] args)
    {
        var line = CommandLine.Parse(args);

        Assert.Equal((command, "f", "d"), (line.Command, line.File, line.Values["data"]));
    }

    [Theory]
    [InlineData("Did you mean '--sandbox'?", "--sandbx")]
    [InlineData("Did you mean 'check'?", "chekc")]
    [InlineData("'--nothing-like-it'", "--nothing-like-it", "--port", "1")]
    [InlineData("'--secrets-key'", "--secrets-key", "x")]
    [InlineData("Required command", "schema")]
    [InlineData("Required command", "store")]
    [InlineData("Did you mean 'backup'?", "store", "bakcup", "--to", "f")]
    [InlineData("Did you mean 'restore'?", "store", "restor", "--from", "f")]
    [InlineData("'--to'", "store", "backup")]
    [InlineData("'--to'", "store", "backup", "--to")]
    [InlineData("'--from'", "store", "restore", "--data", "d")]
    [InlineData("'--from'", "store", "backup", "--to", "f", "--from", "g")]
    [InlineData("'--to'", "--to", "f")]
    [InlineData("'--fleet'", "--fleet")]
    [InlineData("'--certificate-password'", "--certificate-password", "x")]
    public void Parse_Unknown_IsRefused(string expected, params string[] args) =>
        Assert.Contains(expected, Assert.Throws<StartException>(() => CommandLine.Parse(args)).Message, StringComparison.Ordinal);
}
