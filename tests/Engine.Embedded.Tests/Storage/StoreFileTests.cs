using CozeCluster.Engine.Contract;
using CozeCluster.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class StoreFileTests : EngineTest
{
    private readonly string _directory = Directory.CreateTempSubdirectory("store-").FullName;

    private string Database => Path.Combine(_directory, Schema.FileName);

    [Theory(Timeout = Hang)]
    [InlineData(Durability.Process)]
    [InlineData(Durability.Machine)]
    public async Task What_was_saved_survives_a_process_that_ends_without_closing(Durability durability)
    {
        var engine = await StartAsync(options: o => o.Durability = durability);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(n => engine.Grains.Get<IKeepingGrain>("k" + n).Set("saved " + n)));

        // What a killed process leaves on disk: the files as they are now, nothing closed.
        foreach (var file in Directory.EnumerateFiles(engine.Directory, Schema.FileName + "*"))
        {
            if (!file.EndsWith("-shm", StringComparison.Ordinal)) File.Copy(file, Path.Combine(_directory, Path.GetFileName(file)));
        }

        var survivor = await StartAsync(directory: _directory);
        for (var n = 0; n < 50; n++) Assert.Equal("saved " + n, await survivor.Grains.Get<IKeepingGrain>("k" + n).Get());
    }

    [Fact(Timeout = Hang)]
    public async Task A_second_engine_on_the_same_directory_is_refused()
    {
        var first = await StartAsync(directory: _directory);

        var error = await Assert.ThrowsAsync<ClusterException>(() => StartAsync(directory: _directory));

        Assert.Contains("in use by another process", error.Message);
        await first.StopAsync();
        await StartAsync(directory: _directory);
    }

    [Fact(Timeout = Hang)]
    public async Task A_directory_that_is_missing_is_created()
    {
        var deep = Path.Combine(_directory, "a", "b");

        var engine = await StartAsync(directory: deep);
        await engine.Grains.Get<IKeepingGrain>("k").Set("text");

        Assert.True(File.Exists(Path.Combine(deep, Schema.FileName)));
    }

    [Fact(Timeout = Hang)]
    public async Task A_directory_that_cannot_be_created_is_reported()
    {
        var file = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(file, "");

        var error = await Assert.ThrowsAsync<ClusterException>(() => StartAsync(directory: Path.Combine(file, "data")));

        Assert.Contains("cannot be created", error.Message);
    }

    [Fact(Timeout = Hang)]
    public async Task A_damaged_file_is_reported_and_left_alone()
    {
        await File.WriteAllTextAsync(Database, new string('x', 10_000));

        var error = await Assert.ThrowsAsync<ClusterException>(() => StartAsync(directory: _directory));

        Assert.Contains(Database, error.Message);
        Assert.Contains("damaged", error.Message);
        Assert.Equal(10_000, new FileInfo(Database).Length);
    }

    [Fact(Timeout = Hang)]
    public async Task A_file_of_a_newer_version_is_reported()
    {
        SqliteStore.Open(_directory, Durability.Process, new ManualTime(), NullLogger.Instance).Dispose();
        Execute("UPDATE meta SET value = '2' WHERE name = 'schema'");

        var error = await Assert.ThrowsAsync<ClusterException>(() => StartAsync(directory: _directory));

        Assert.Contains("version 2", error.Message);
    }

    [Fact(Timeout = Hang)]
    public async Task State_that_cannot_be_read_fails_its_own_grain_only()
    {
        var engine = await StartAsync(directory: _directory);
        await engine.Grains.Get<IKeepingGrain>("bad").Set("x");
        await engine.Grains.Get<IKeepingGrain>("good").Set("x");
        await engine.CollectIdleAsync();
        Execute("UPDATE grain_state SET payload = CAST('{' AS BLOB) WHERE key = 'bad'");

        var error = await Assert.ThrowsAsync<ClusterException>(() => engine.Grains.Get<IKeepingGrain>("bad").Get());

        Assert.Contains("cannot be read", error.Message);
        Assert.Equal("x", await engine.Grains.Get<IKeepingGrain>("good").Get());
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Database, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
