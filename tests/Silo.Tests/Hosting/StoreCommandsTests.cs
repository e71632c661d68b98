using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class StoreCommandsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("store-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Move_InvalidClusterName_IsRefused()
    {
        var error = await Assert.ThrowsAsync<StartException>(() => Run([], "store", "move", "--postgres", "Host=db", "--cluster-id", "a b"));

        Assert.StartsWith("--cluster-id: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("backup", "--to")]
    [InlineData("restore", "--from")]
    public async Task BackupAndRestore_FolderAndDatabase_AreRefused(string command, string option)
    {
        var error = await Assert.ThrowsAsync<StartException>(() => Run([], "store", command, option, "f", "--data", "d", "--postgres", "Host=db"));

        Assert.Equal("Use --data for a single node or --postgres for a cluster, not both.", error.Message);
    }

    [Theory]
    [InlineData("--cluster-id: ", "--postgres", "Host=db", "--cluster-id", "a b")]
    [InlineData("--postgres: ", "--postgres", "Hots=db")]
    public async Task Restore_InvalidSettings_AreReportedBeforeTheFileIsRead(string expected, params string[] settings)
    {
        var error = await Assert.ThrowsAsync<StartException>(() => Run([], ["store", "restore", "--from", "missing", .. settings]));

        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restore_FileIsMissing_IsRefusedAndCreatesNothing()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Run([], "store", "restore", "--from", "missing", "--data", "d"));

        Assert.Contains("There is no file", error.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.GetFileSystemInfos());
    }

    [Fact]
    public async Task Backup_FolderOnTheCommandLine_WinsOverADatabaseInTheEnvironment()
    {
        var database = new Dictionary<string, string?> { [Settings.Postgres.Variable] = "Host=db" };

        var error = await Assert.ThrowsAsync<ClusterException>(() => Run(database, "store", "backup", "--to", "f", "--data", "d"));

        Assert.Contains("does not contain the database grains.db", error.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.GetFileSystemInfos());
    }

    private Task<int> Run(Dictionary<string, string?> variables, params string[] args)
    {
        var line = CommandLine.Parse(args);
        var source = new SettingSource(line.Values, variables, _folder.FullName);
        return line.Command switch
        {
            NodeCommand.StoreMove => StoreCommands.Move(source, _folder.FullName, TextWriter.Null),
            NodeCommand.StoreBackup => StoreCommands.Backup(source, _folder.FullName, line.File!, TextWriter.Null),
            _ => StoreCommands.Restore(source, _folder.FullName, line.File!, TextWriter.Null),
        };
    }
}
