using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage.Tests.Sqlite;

/// <summary>The test of the storage says why saves are not kept, and succeeds by itself when they are.</summary>
public sealed class SqliteStorageProbeTests : StoreFolder
{
    private readonly SqliteStore _store;
    private readonly SqliteStorageProbe _probe;

    public SqliteStorageProbeTests()
    {
        _store = Open();
        _probe = new SqliteStorageProbe(_store);
    }

    [Fact]
    public async Task Check_UsableStorage_CommitsAWrite()
    {
        var commits = _store.Commits;

        Assert.Null(await Check());

        Assert.Equal(commits + 1, _store.Commits);
    }

    [Fact]
    public async Task Check_FullDisk_SaysSoUntilThereIsSpace()
    {
        var failures = 0;
        _store.Failed = () => failures++;
        await Execute("PRAGMA max_page_count = 1");

        Assert.Equal($"The disk of the data directory is full. Free space in {Folder}.", await Check());
        await Assert.ThrowsAsync<ClusterException>(() => Save(_store, "large", 50_000));
        await Assert.ThrowsAsync<ClusterException>(() => Save(_store, "large", 50_000));

        Assert.Equal(3, failures);
        Assert.Single(Log.All, line => line == $"Error: The database refused a write: The disk of the data directory is full. Free space in {Folder}.");
        await Execute("PRAGMA max_page_count = 1000000");
        Assert.Null(await Check());
        await Save(_store, "large", 50_000);
    }

    [Fact]
    public async Task Check_ReadOnlyDatabase_SaysSoUntilItCanBeWritten()
    {
        var connection = await Execute("PRAGMA query_only = 1");

        Assert.StartsWith("The data directory is read-only. ", await Check(), StringComparison.Ordinal);

        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA query_only = 0";
        command.ExecuteNonQuery();
        Assert.Null(await Check());
    }

    [Fact]
    public async Task Check_DeletedDatabase_SaysSoUntilItIsBack()
    {
        if (OperatingSystem.IsWindows()) return;
        File.Move(Database, Database + ".away");

        Assert.Contains($"{Database} was deleted or replaced", await Check(), StringComparison.Ordinal);

        File.Move(Database + ".away", Database);
        Assert.Null(await Check());
    }

    [Fact]
    public async Task Check_DatabaseReplacedByACopy_SaysSo()
    {
        if (OperatingSystem.IsWindows()) return;
        File.Copy(Database, Database + ".copy");
        File.Move(Database + ".copy", Database, overwrite: true);

        Assert.Contains($"{Database} was deleted or replaced", await Check(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_DeletedLog_SaysSo()
    {
        if (OperatingSystem.IsWindows()) return;
        File.Delete(WriteAheadLog);

        Assert.Contains($"{WriteAheadLog} was deleted or replaced", await Check(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commit_FullDisk_SaysSoAndMakesTheStorageBeTested()
    {
        var failures = 0;
        _store.Failed = () => failures++;
        var conversations = new SqliteConversationStore(_store, Time);
        await Execute("PRAGMA max_page_count = 1");

        var error = await Assert.ThrowsAsync<ClusterException>(() => conversations.Commit(CreateTurn(conversations)));

        Assert.Equal((ErrorCode.Internal, "The disk of the node is full. See the log of the node."), (error.Code, error.Message));
        Assert.Equal(1, failures);
    }

    [Fact]
    public async Task Load_DamagedPages_SaysSoAndMakesTheStorageBeTested()
    {
        var conversations = new SqliteConversationStore(_store, Time);
        await conversations.Commit(CreateTurn(conversations));
        _store.TruncateLog();
        var failures = 0;
        _store.Failed = () => failures++;
        await using (var file = new FileStream(Database, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = 4096;
            await file.WriteAsync(Enumerable.Repeat((byte)0x5a, (int)file.Length - 4096).ToArray(), TestContext.Current.CancellationToken);
        }

        for (var i = 1; i <= 2; i++)
        {
            var error = await Assert.ThrowsAsync<ClusterException>(async () => await conversations.Load("turn-key", TestContext.Current.CancellationToken));
            Assert.Equal(
                (ErrorCode.Internal, "The database of the node is damaged. Stop the node and restore a backup. See the log of the node."),
                (error.Code, error.Message));
            Assert.Equal(i, failures);
        }
        Assert.Single(Log.All, line => line == $"Error: The database refused a read: {SqliteFaults.Damaged(Database)}");
    }

    [Fact]
    public void Read_DeletedDatabase_FailsAndCreatesNoFile()
    {
        if (OperatingSystem.IsWindows()) return;
        var failures = 0;
        _store.Failed = () => failures++;
        File.Delete(Database);

        Assert.Throws<SqliteException>(() => Has(_store, "k"));

        Assert.Equal((1, false, true), (failures, File.Exists(Database), File.Exists(WriteAheadLog)));
    }

    [Fact]
    public async Task Check_ClosedStorage_SaysThatTheNodeStops()
    {
        _store.Dispose();

        Assert.Equal(ErrorCode.Draining, (await Assert.ThrowsAsync<ClusterException>(Check)).Code);
    }

    private ConversationCommit CreateTurn(SqliteConversationStore conversations)
    {
        var row = new TurnRow
        {
            Id = conversations.NewTurnRowId(),
            Version = 1,
            TurnId = "turn_1",
            TenantId = "tenant",
            Model = "m",
            Status = TurnStatus.Running,
            CreatedAt = Time.GetUtcNow(),
            Details = new byte[50_000],
        };
        return new ConversationCommit("turn-key") { Turns = [new TurnChange(row, [])] };
    }

    private Task<string?> Check() => _probe.Check(TestContext.Current.CancellationToken);

    private async Task<SqliteConnection> Execute(string sql)
    {
        SqliteConnection? connection = null;
        await _store.Write(write =>
        {
            connection = write.Connection;
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
            return true;
        });
        return connection!;
    }
}
