using CozeCluster.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests.Sqlite;

/// <summary>Opening the database file, refusing it, and its content after a crash.</summary>
public sealed class SqliteStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("store-").FullName;
    private readonly List<SqliteStore> _stores = [];

    private string Database => Path.Combine(_directory, SqliteSchema.FileName);

    [Theory]
    [InlineData(Durability.Process)]
    [InlineData(Durability.Machine)]
    public async Task Open_AfterACrash_ReadsEverythingThatWasSaved(Durability durability)
    {
        var running = Open(Path.Combine(_directory, "running"), durability);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(n => running.Save("state", "k" + n, 0, [(byte)n])));
        await running.Write(write =>
        {
            write.UpsertReminder(new(GrainId.Create("test", "k"), "tea", default, TimeSpan.FromMinutes(1), 1));
            return true;
        });

        // A killed process leaves the files as they are now, without closing anything.
        var copy = Directory.CreateDirectory(Path.Combine(_directory, "copy")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_directory, "running"), SqliteSchema.FileName + "*"))
        {
            if (!file.EndsWith("-shm", StringComparison.Ordinal)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        var reopened = Open(copy, durability);
        for (var n = 0; n < 50; n++) Assert.Equal([(byte)n], reopened.Read(reader => reader.ReadState("state", "k" + n))!.Value.Payload);
        Assert.Single(reopened.Read(reader => reader.ReadReminders(0, 0)));
    }

    [Theory]
    [InlineData(Durability.Process, 1L)]
    [InlineData(Durability.Machine, 2L)]
    public async Task Open_WithDurability_SetsWhetherCommitsWaitForTheDisk(Durability durability, long synchronous)
    {
        var store = Open(_directory, durability);
        long? found = null;

        await store.Write(write =>
        {
            using var command = write.Connection.CreateCommand();
            command.CommandText = "PRAGMA synchronous";
            found = command.ExecuteScalar() as long?;
            return true;
        });

        // SQLite: 1 is NORMAL, 2 is FULL.
        Assert.Equal(synchronous, found);
    }

    [Fact]
    public async Task Start_SecondProcessOnTheDirectory_IsRefusedUntilTheFirstHasStopped()
    {
        using var first = await StartAsync(_directory);

        var error = await Assert.ThrowsAsync<ClusterException>(() => StartAsync(_directory));

        Assert.Contains("in use by another process", error.Message, StringComparison.Ordinal);
        await first.StopAsync(TestContext.Current.CancellationToken);
        using var second = await StartAsync(_directory);
        await second.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Open_MissingDirectory_IsCreated()
    {
        var nested = Path.Combine(_directory, "a", "b");

        Open(nested);

        Assert.True(File.Exists(Path.Combine(nested, SqliteSchema.FileName)));
    }

    [Fact]
    public async Task Start_DirectoryThatCannotBeCreated_IsRefused()
    {
        var file = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        await AssertRefusedAsync(Path.Combine(file, "data"), "cannot be created");
    }

    [Fact]
    public async Task Start_DamagedFile_IsRefusedAndNotChanged()
    {
        await File.WriteAllTextAsync(Database, new string('x', 10_000), TestContext.Current.CancellationToken);

        await AssertRefusedAsync(_directory, Database, "damaged");

        Assert.Equal(10_000, new FileInfo(Database).Length);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 4)]
    [InlineData(-20, 10)]
    public async Task Start_OverwrittenPages_IsRefusedInOneLine(int first, int count)
    {
        var store = Open(_directory);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(n => store.Save("state", "k" + n, 0, new byte[3_000])));
        store.Dispose();
        await using (var file = new FileStream(Database, FileMode.Open))
        {
            file.Position = (first < 0 ? file.Length / 4096 + first : first) * 4096;
            await file.WriteAsync(Enumerable.Range(0, count * 4096).Select(n => (byte)(n * 31 + 7)).ToArray(), TestContext.Current.CancellationToken);
        }

        await AssertRefusedAsync(_directory, $"The database {Database} is damaged.", "restore a backup");
    }

    [Fact]
    public async Task Start_FileOfAnOlderBuild_IsRefusedAndNotChanged()
    {
        Execute("""
            CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO meta (name, value) VALUES ('schema', '1');
            CREATE TABLE reminders (kind TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, key, name)) WITHOUT ROWID;
            """);
        var before = await File.ReadAllBytesAsync(Database, TestContext.Current.CancellationToken);

        await AssertRefusedAsync(_directory, Database, "schema version 1", "older build", "move it away", "another data folder");

        Assert.Equal(before, await File.ReadAllBytesAsync(Database, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_FileOfANewerBuild_IsRefused()
    {
        Open(_directory).Dispose();
        Execute("UPDATE meta SET value = '7' WHERE name = 'schema'");

        await AssertRefusedAsync(_directory, "schema version 7", "newer build");
    }

    [Fact]
    public async Task DeleteExpiredBlobs_ExpiredBlob_IsDeleted()
    {
        var time = new ManualTime();
        var store = Open(_directory, time: time);
        var blob = await store.Blobs.Put("tenant", "x", "text/plain", "x"u8.ToArray(), TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromHours(2));

        await store.DeleteExpiredBlobsAsync(TestContext.Current.CancellationToken);

        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_directory, "blobs"), "*", SearchOption.AllDirectories));
        Assert.Equal(1, blob.Size);
    }

    public void Dispose()
    {
        foreach (var store in _stores) store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private SqliteStore Open(string directory, Durability durability = Durability.Machine, TimeProvider? time = null)
    {
        var store = new SqliteStore(
            new SqliteStorageOptions { DataDirectory = directory, Durability = durability }, time ?? new ManualTime(), NullLogger<SqliteStore>.Instance);
        _stores.Add(store);
        store.Open();
        return store;
    }

    private static async Task<IHost> StartAsync(string directory)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { Configuration = new ConfigurationManager() });
        builder.UseOrleans(silo => silo
            .ConfigureEndpoints("127.0.0.1", FreePorts.Next(), FreePorts.Next())
            .UseDevelopmentClustering(primarySiloEndpoint: null)
            .AddSqliteStorage(options => options.DataDirectory = directory));
        builder.Services.AddSingleton(new TestEvents());
        var host = builder.Build();
        try
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            return host;
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    private static async Task AssertRefusedAsync(string directory, params string[] reasons)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => StartAsync(directory));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.DoesNotContain('\n', error.Message);
        foreach (var reason in reasons) Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection(SqliteSchema.ConnectionString(_directory));
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
