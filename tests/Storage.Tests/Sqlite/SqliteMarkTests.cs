namespace CozeCluster.Storage.Tests.Sqlite;

/// <summary>Lost commits are noticed at the start, and nothing else is.</summary>
public sealed class SqliteMarkTests : StoreFolder
{
    [Theory]
    [InlineData(Durability.Process)]
    [InlineData(Durability.Machine)]
    public async Task Open_AfterACrash_AcceptsTheDatabase(Durability durability)
    {
        var store = Open(durability: durability);
        await Save(store, "before the mark");
        await store.SetMark(allocates: false);
        await Save(store, "after the mark");

        var reopened = Open(Crash(), durability);

        Assert.True(Has(reopened, "before the mark"));
        Assert.True(Has(reopened, "after the mark"));
    }

    [Theory]
    [InlineData(Durability.Process)]
    [InlineData(Durability.Machine)]
    public async Task Open_LogIsMissing_IsRefusedAndNothingChanges(Durability durability)
    {
        await Save(Open(durability: durability), "lost");
        var crashed = Crash();
        var log = Path.Combine(crashed, SqliteSchema.FileName + "-wal");
        File.Move(log, log + ".away");

        AssertRefused(crashed, "lacks everything that was saved", "grains.db-wal is missing", $"\"store accept --data {crashed}\"");

        File.Move(log + ".away", log);
        Assert.True(Has(Open(crashed), "lost"));
    }

    [Fact]
    public async Task Open_LogIsCutBeforeTheMark_IsRefused()
    {
        var store = Open();
        await Save(store, "kept");
        var length = new FileInfo(WriteAheadLog).Length;
        Time.Advance(TimeSpan.FromSeconds(2));
        await Save(store, "lost");
        await store.SetMark(allocates: false);
        var crashed = Crash();
        Cut(crashed, length);

        AssertRefused(crashed, "grains.db-wal was cut", "after 2026-01-01 00:00:00 UTC", "until 2026-01-01 00:00:02 UTC");
    }

    /// <summary>A power cut may lose what was saved after the last mark, if saves do not wait for the disk.</summary>
    [Fact]
    public async Task Open_LogIsCutBehindTheMark_AcceptsTheDatabase()
    {
        var store = Open(durability: Durability.Process);
        await Save(store, "kept");
        await store.SetMark(allocates: false);
        var length = new FileInfo(WriteAheadLog).Length;
        await Save(store, "lost");
        var crashed = Crash();
        Cut(crashed, length);

        var reopened = Open(crashed);

        Assert.True(Has(reopened, "kept"));
        Assert.False(Has(reopened, "lost"));
    }

    [Fact]
    public async Task Open_OlderCopyAfterAnOrderlyStop_IsRefused()
    {
        Open().Dispose();
        File.Copy(Database, Database + ".old");
        var store = Open();
        await Save(store, "lost");
        store.Dispose();
        File.Move(Database + ".old", Database, overwrite: true);

        AssertRefused(Folder, "the database is an older copy");
    }

    [Fact]
    public void Open_DatabaseOfAnotherDirectory_IsRefused()
    {
        Open().Dispose();
        var other = Path.Combine(Folder, "other");
        Open(other).Dispose();
        File.Copy(Path.Combine(other, SqliteSchema.FileName), Database, overwrite: true);

        AssertRefused(Folder, "is not the one");
    }

    [Fact]
    public void Open_DatabaseIsMissing_IsRefusedAndNotCreated()
    {
        Open().Dispose();
        File.Delete(Database);

        AssertRefused(Folder, Database, "is missing", "start empty");

        Assert.False(File.Exists(Database));
    }

    [Fact]
    public async Task Open_RestoredBackupWithoutAMark_IsAcceptedAndLaterCopiesAreNot()
    {
        var store = Open();
        await Save(store, "saved");
        store.Dispose();
        var backup = Database + ".backup";
        File.Copy(Database, backup);
        SqliteMark.Reset(Folder);

        var restored = Open();
        Assert.True(Has(restored, "saved"));
        restored.Dispose();
        File.Move(backup, Database, overwrite: true);

        AssertRefused(Folder, "is not the one");
    }

    [Fact]
    public async Task Accept_RefusedDirectory_StartsWithWhatThereIs()
    {
        var store = Open();
        await Save(store, "kept");
        store.Dispose();
        await Save(Open(), "lost");
        var crashed = Crash();
        File.Delete(Path.Combine(crashed, SqliteSchema.FileName + "-wal"));
        AssertRefused(crashed, "is missing");

        DataFolder.Accept(crashed);

        var reopened = Open(crashed);
        Assert.True(Has(reopened, "kept"));
        Assert.False(Has(reopened, "lost"));
    }

    [Fact]
    public void Accept_DirectoryThatIsUsedOrEmpty_IsRefused()
    {
        Open();

        Assert.Contains("in use", Assert.Throws<ClusterException>(() => DataFolder.Accept(Folder)).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<ClusterException>(() => DataFolder.Accept(Path.Combine(Folder, "empty"))).Code);
        Assert.False(Directory.Exists(Path.Combine(Folder, "empty")));
    }

    [Fact]
    public async Task Open_MarkWhoseContentWasNotWritten_IsAccepted()
    {
        var store = Open();
        await Save(store, "saved");
        store.Dispose();
        File.WriteAllText(Path.Combine(Folder, SqliteMark.FileName), "");

        Assert.True(Has(Open(), "saved"));
    }

    [Fact]
    public async Task Upkeep_AfterSaves_RecordsOneMark()
    {
        var store = Open();
        using var upkeep = new SqliteUpkeep(store, Log);
        var file = Path.Combine(Folder, SqliteMark.FileName);
        await upkeep.Run();
        var before = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        var commits = store.Commits;
        await Save(store, "saved");

        await upkeep.Run();
        await upkeep.Run();

        Assert.NotEqual(before, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal(commits + 2, store.Commits);
    }

    private static void Cut(string directory, long length)
    {
        using var log = new FileStream(Path.Combine(directory, SqliteSchema.FileName + "-wal"), FileMode.Open);
        Assert.InRange(length, 1, log.Length - 1);
        log.SetLength(length);
    }

    private void AssertRefused(string directory, params string[] reasons)
    {
        var error = Assert.Throws<ClusterException>(() => Open(directory));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.DoesNotContain('\n', error.Message);
        foreach (var reason in reasons) Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }
}
