using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests.Moving;

public sealed class SqliteSourceTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OpenOnline_NodeWritesMeanwhile_ReadsTheMomentAndDoesNotBlockTheNode()
    {
        using var store = OpenStore();
        var version = (await store.Save("test", "a", 0, "before"u8.ToArray()))!.Value;
        await using var source = SqliteSource.OpenOnline(_folder.Path, TimeProvider.System);

        Assert.NotNull(await store.Save("test", "a", version, "after"u8.ToArray()));
        Assert.NotNull(await store.Save("test", "b", 0, "after"u8.ToArray()));

        Assert.Equal(["before"], await ReadPayloadsAsync(source));
        Assert.Equal(["after", "after"], await ReadPayloadsAsync(SqliteSource.OpenOnline(_folder.Path, TimeProvider.System)));
    }

    [Fact]
    public async Task OpenOnline_WhileANodeCommitsContinuously_IsOnePointBetweenTwoCommits()
    {
        using var store = OpenStore();
        using var stop = new CancellationTokenSource();
        long first = 0, second = 0, written = 0;
        Task<bool> CommitAsync(long number) => store.Write(write =>
        {
            var payload = BitConverter.GetBytes(number);
            return write.SaveState("pair", "first", first, ++first, payload) && write.SaveState("pair", "second", second, ++second, payload);
        });
        Assert.True(await CommitAsync(0));
        var writer = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) Assert.True(await CommitAsync(Interlocked.Increment(ref written)));
        });
        var seen = new List<long>();
        // Until the writer has been seen at several places.
        while (seen.Distinct().Count() < 5)
        {
            var file = _folder[$"backup-{seen.Count}"];
            await SampleRows.CopyToFileAsync(SqliteSource.OpenOnline(_folder.Path, TimeProvider.System), file);
            await using var backup = await BackupFileSource.OpenAsync(file);
            var rows = await backup.ReadAsync(default).ToListAsync();
            var numbers = rows.Select(row => BitConverter.ToInt64((byte[])row["payload"]!)).ToList();
            Assert.Equal(2, numbers.Count);
            Assert.Equal(numbers[0], numbers[1]);
            seen.Add(numbers[0]);
        }
        await stop.CancelAsync();
        await writer;

        Assert.Equal(seen.Order(), seen);
    }

    [Fact]
    public async Task Read_Blobs_SkipsExpiredAndUnfinishedOnes_AndReportsDamagedOnes()
    {
        using (OpenStore())
        {
            var blobs = new FileBlobStore(_folder["blobs"], TimeSpan.FromHours(2), TimeProvider.System);
            var (kept, expired, damaged) = (await PutAsync(blobs, "kept"), await PutAsync(blobs, "expired"), await PutAsync(blobs, "damaged"));
            File.SetLastWriteTimeUtc(PathOf(expired), TimeProvider.System.GetUtcNow().UtcDateTime);
            var later = File.GetLastWriteTimeUtc(PathOf(damaged));
            await File.WriteAllTextAsync(PathOf(damaged), "damage");
            File.SetLastWriteTimeUtc(PathOf(damaged), later);
            File.Copy(PathOf(kept), PathOf(kept) + ".part");
            await using var source = SqliteSource.OpenOnline(_folder.Path, TimeProvider.System);

            var row = Assert.Single(await source.ReadAsync(default).ToListAsync());

            Assert.Equal((kept, "kept"), (row["id"], Encoding.UTF8.GetString((byte[])row["content"]!)));
            Assert.Equal([damaged], source.DamagedBlobs);
        }
    }

    [Fact]
    public async Task OpenExclusive_NodeRuns_IsRefused_AndNoNodeStartsMeanwhile()
    {
        await using var node = new SqliteSilo();
        await node.StartAsync();
        Assert.Contains(
            "in use by another process",
            Assert.Throws<ClusterException>(() => SqliteSource.OpenExclusive(node.DataDirectory, TimeProvider.System)).Message,
            StringComparison.Ordinal);
        await node.StopAsync();

        await using (SqliteSource.OpenExclusive(node.DataDirectory, TimeProvider.System))
            Assert.Contains("in use by another process", (await Assert.ThrowsAsync<ClusterException>(node.StartAsync)).Message, StringComparison.Ordinal);

        await node.StartAsync();
    }

    [Fact]
    public void Open_DirectoryWithoutADatabase_ThrowsNotFoundAndCreatesNothing()
    {
        Assert.All(
            [SqliteSource.OpenOnline, SqliteSource.OpenExclusive],
            (Func<string, TimeProvider, SqliteSource> open) =>
                Assert.Equal(ErrorCode.NotFound, Assert.Throws<ClusterException>(() => open(_folder.Path, TimeProvider.System)).Code));

        Assert.Empty(_folder.Names);
    }

    [Fact]
    public void Open_DatabaseOfAnotherSchema_IsRefused()
    {
        OpenStore().Dispose();
        using (var connection = new SqliteConnection(SqliteSchema.ConnectionString(_folder.Path)))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE meta SET value = '1' WHERE name = 'schema'";
            command.ExecuteNonQuery();
        }

        var error = Assert.Throws<ClusterException>(() => SqliteSource.OpenOnline(_folder.Path, TimeProvider.System));

        Assert.Contains("has schema version 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_DirectoryOfAStoppedNode_LeavesItAsItWas()
    {
        OpenStore().Dispose();
        var before = _folder.Names.ToList();

        await SampleRows.ReadAsync(SqliteSource.OpenOnline(_folder.Path, TimeProvider.System));
        await SampleRows.ReadAsync(SqliteSource.OpenExclusive(_folder.Path, TimeProvider.System));

        Assert.Equal(before, _folder.Names);
    }

    private static async Task<IEnumerable<string>> ReadPayloadsAsync(SqliteSource source)
    {
        await using (source)
            return (await source.ReadAsync(default).ToListAsync()).Select(row => Encoding.UTF8.GetString((byte[])row["payload"]!));
    }

    private static async Task<string> PutAsync(FileBlobStore blobs, string content) =>
        (await blobs.Put("t", "a.txt", "text/plain", Encoding.UTF8.GetBytes(content), default)).Id;

    private string PathOf(string blob) => Path.Combine(_folder["blobs"], blob.Replace('.', Path.DirectorySeparatorChar));

    private SqliteStore OpenStore()
    {
        var store = new SqliteStore(new() { DataDirectory = _folder.Path }, TimeProvider.System, NullLogger<SqliteStore>.Instance);
        store.Open();
        return store;
    }
}
