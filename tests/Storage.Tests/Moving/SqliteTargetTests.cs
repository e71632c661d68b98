namespace CozeCluster.Storage.Tests.Moving;

public sealed class SqliteTargetTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task A_restored_node_reads_and_continues_what_was_backed_up()
    {
        await using var node = new SqliteSilo();
        await node.StartAsync();
        await node.Grains.GetGrain<ITestGrain>("a").Set("stored");
        await node.Grains.GetGrain<ITestGrain>("r").Remind("tea", TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));
        await SampleRows.CopyToFileAsync(SqliteSource.OpenOnline(node.DataDirectory, TimeProvider.System), _folder["backup"]);
        await node.Grains.GetGrain<ITestGrain>("a").Set("stored after the backup");
        await node.StopAsync();

        await using var restored = new SqliteSilo();
        await SampleRows.CopyAsync(await BackupFileSource.OpenAsync(_folder["backup"]), SqliteTarget.Open(restored.DataDirectory));
        await restored.StartAsync();

        Assert.Equal("stored", await restored.Grains.GetGrain<ITestGrain>("a").Get());
        await restored.Grains.GetGrain<ITestGrain>("a").Set("changed");
        await restored.Events.WaitFor("r tea");
        Assert.True(await restored.Grains.GetGrain<ITestGrain>("r").Unremind("tea"));
    }

    [Fact]
    public async Task The_database_is_the_one_that_a_node_creates()
    {
        await using var node = new SqliteSilo();
        await node.StartAsync();
        await node.StopAsync();

        await SampleRows.CopyAsync(new MemorySource(SampleRows.All), SqliteTarget.Open(Data));

        Assert.Equal(await ReadSchemaAsync(node.DataDirectory), await ReadSchemaAsync(Data));
    }

    [Fact]
    public async Task Files_of_a_restored_node_are_for_its_owner_only()
    {
        if (OperatingSystem.IsWindows()) return;

        await SampleRows.CopyAsync(new MemorySource(SampleRows.All), SqliteTarget.Open(Data));

        Assert.Null(DataFolder.MakePrivate(Data));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_restored_node_starts_in_the_directory_of_a_database_that_was_moved_away()
    {
        await using var node = new SqliteSilo();
        await node.StartAsync();
        await node.Grains.GetGrain<ITestGrain>("a").Set("old");
        await node.StopAsync();
        foreach (var file in Directory.EnumerateFiles(node.DataDirectory, SqliteSchema.FileName + "*")) File.Delete(file);
        Assert.True(File.Exists(Path.Combine(node.DataDirectory, SqliteMark.FileName)));

        await SampleRows.CopyAsync(new MemorySource(SampleRows.All), SqliteTarget.Open(node.DataDirectory));
        await node.StartAsync();

        Assert.False(await node.Grains.GetGrain<ITestGrain>("a").Exists());
        await node.RestartAsync();
    }

    [Theory]
    [InlineData("grains.db")]
    [InlineData("grains.db-wal")]
    public async Task Open_DirectoryWithADatabase_IsRefusedAndUnchanged(string file)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, file), "precious");

        var error = Assert.Throws<ClusterException>(() => SqliteTarget.Open(Data));

        Assert.Equal((ErrorCode.StateConflict, true), (error.Code, error.Message.Contains($"contains {file} already", StringComparison.Ordinal)));
        Assert.Equal([Path.Combine(Data, file)], Directory.EnumerateFileSystemEntries(Data));
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(Data, file)));
    }

    [Fact]
    public void Open_DirectoryInUse_IsRefused()
    {
        using var node = DirectoryLock.Acquire(Data);

        Assert.Contains("in use by another process", Assert.Throws<ClusterException>(() => SqliteTarget.Open(Data)).Message, StringComparison.Ordinal);

        Assert.True(File.Exists(Path.Combine(Data, DirectoryLock.FileName)));
    }

    [Fact]
    public async Task Open_Always_PreventsANodeFromStarting()
    {
        await using var node = new SqliteSilo();
        await using var target = SqliteTarget.Open(node.DataDirectory);

        Assert.Contains("in use by another process", (await Assert.ThrowsAsync<ClusterException>(node.StartAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_SourceFails_LeavesNothing()
    {
        await Assert.ThrowsAsync<ClusterException>(() => SampleRows.CopyAsync(MemorySource.Failing(SampleRows.All), SqliteTarget.Open(Data)));

        Assert.Empty(_folder.Names);
    }

    [Fact]
    public async Task Copy_DiskIsFull_LeavesTheDirectoryAsItWas()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "secrets.key"), "key");
        var rows = Enumerable.Range(0, 10_000).Select(i => SampleRows.State("test", $"{i:d6}", new string('x', 200)));

        var error = await Assert.ThrowsAsync<ClusterException>(() => SampleRows.CopyAsync(new MemorySource(rows), SqliteTarget.Open(Data, maxPages: 100)));

        Assert.Contains("full", error.Message, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(Data, "secrets.key")], Directory.EnumerateFileSystemEntries(Data));
    }

    [Fact]
    public async Task Copy_AfterACrashOfAnother_Works()
    {
        var part = Directory.CreateDirectory(Path.Combine(Data, "restore.part"));
        await File.WriteAllTextAsync(Path.Combine(part.FullName, "grains.db"), "half a database");

        await SampleRows.CopyAsync(new MemorySource(SampleRows.All), SqliteTarget.Open(Data));

        Assert.Equal(["blobs", "grains.db", "storage.lock"], Directory.EnumerateFileSystemEntries(Data).Select(path => Path.GetFileName(path)).Order());
        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(SqliteSource.OpenExclusive(Data, TimeProvider.System)));
    }

    [Fact]
    public async Task Copy_TargetReturnsSomethingElse_IsRefusedAndLeavesNothing()
    {
        var target = new Forgetful(SqliteTarget.Open(Data));

        var error = await Assert.ThrowsAsync<ClusterException>(() => SampleRows.CopyAsync(new MemorySource(SampleRows.All), target));

        Assert.Contains("Rows of the kind Reminder", error.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.Names);
    }

    [Fact]
    public async Task Copy_WithoutWaitingPrompts_HasAllRowsButTheRequestsOfTurns()
    {
        await using var source = new WithoutWaitingPrompts(new MemorySource(SampleRows.All));

        var rows = await source.ReadAsync(default).ToListAsync();

        var removed = Assert.Single(SampleRows.All.Except(rows));
        Assert.Equal((RowKind.Content, (object)(long)TurnContentKind.Request), (removed.Kind, removed["kind"]));
    }

    /// <summary>The tables, indexes and settings of a database. Its id and mark are those of a node, which sets them at its first start.</summary>
    private static async Task<List<string>> ReadSchemaAsync(string directory)
    {
        await using var connection = SqliteSchema.OpenSnapshot(directory);
        await using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
            UNION ALL SELECT 'meta ' || name || value FROM meta WHERE name NOT IN ('id', 'mark')
            UNION ALL SELECT 'auto_vacuum ' || auto_vacuum FROM pragma_auto_vacuum
            UNION ALL SELECT 'page_size ' || page_size FROM pragma_page_size
            ORDER BY 1
            """;
        await using var row = await command.ExecuteReaderAsync();
        var all = new List<string>();
        while (await row.ReadAsync()) all.Add(row.GetString(0));
        Assert.Contains("auto_vacuum 2", all);
        return all;
    }

    /// <summary>Forgets the last reminder.</summary>
    private sealed class Forgetful(IStoreTarget target) : IStoreTarget
    {
        public StoredRow Adapt(StoredRow row) => target.Adapt(row);

        public ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken) =>
            row.Kind == RowKind.Reminder && row["name"] is "water" ? ValueTask.CompletedTask : target.WriteAsync(row, cancellationToken);

        public IAsyncEnumerable<StoredRow> ReadBackAsync(CancellationToken cancellationToken) => target.ReadBackAsync(cancellationToken);

        public Task CompleteAsync(CancellationToken cancellationToken) => target.CompleteAsync(cancellationToken);

        public ValueTask DisposeAsync() => target.DisposeAsync();
    }
}
