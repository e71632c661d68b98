using CozeCluster.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests.Sqlite;

public sealed class GroupCommitTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("store-").FullName;
    private readonly SqliteStore _store;

    public GroupCommitTests()
    {
        _store = new(new SqliteStorageOptions { DataDirectory = _directory }, new ManualTime(), NullLogger<SqliteStore>.Instance);
        _store.Open();
    }

    [Fact(Timeout = 30_000)]
    public async Task Saves_that_wait_share_a_transaction()
    {
        using var blocker = new Blocker(_directory);
        var before = _store.Commits;
        var saves = Enumerable.Range(0, 200).Select(n => _store.Save("state", "k" + n, 0, [1])).ToList();

        blocker.Dispose();

        Assert.All(await Task.WhenAll(saves), version => Assert.NotNull(version));
        // Whatever the writer took before it was blocked, and all the rest.
        Assert.InRange(_store.Commits - before, 1, 2);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_conflict_fails_its_own_save_only()
    {
        var version = (await _store.Save("state", "contended", 0, [1]))!.Value;
        using var blocker = new Blocker(_directory);
        var first = _store.Save("state", "contended", version, [2]);
        var second = _store.Save("state", "contended", version, [3]);
        var other = _store.Save("state", "other", 0, [4]);

        blocker.Dispose();

        Assert.Equal(version + 1, await first);
        Assert.Null(await second);
        Assert.NotNull(await other);
        Assert.Equal([2], _store.Read(reader => reader.ReadState("state", "contended"))!.Value.Payload);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_write_that_fails_does_not_fail_those_of_its_group()
    {
        using var blocker = new Blocker(_directory);
        var good = _store.Save("state", "good", 0, [1]);
        var bad = _store.Write(_ => throw new InvalidOperationException("Cannot be written."));
        var alsoGood = _store.Save("state", "also good", 0, [1]);

        blocker.Dispose();

        Assert.NotNull(await good);
        Assert.NotNull(await alsoGood);
        var error = await Assert.ThrowsAsync<ClusterException>(() => bad);
        Assert.Equal(ErrorCode.Internal, error.Code);
    }

    [Fact(Timeout = 30_000)]
    public async Task Saves_made_before_closing_are_committed_and_later_ones_refused()
    {
        var saves = Enumerable.Range(0, 1000).Select(n => _store.Save("state", "k" + n, 0, [1])).ToList();

        _store.Dispose();

        Assert.All(await Task.WhenAll(saves), version => Assert.NotNull(version));
        Assert.Equal(ErrorCode.Draining, (await Assert.ThrowsAsync<ClusterException>(() => _store.Save("state", "late", 0, [1]))).Code);
        Assert.Equal(ErrorCode.Draining, Assert.Throws<ClusterException>(() => _store.Read(reader => reader.ReadState("state", "k1"))).Code);
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Holds SQLite's write lock, so that writes pile up.</summary>
    private sealed class Blocker : IDisposable
    {
        private readonly SqliteConnection _connection;

        public Blocker(string directory)
        {
            _connection = new(SqliteSchema.ConnectionString(directory));
            _connection.Open();
            using var command = _connection.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
        }

        // Closing rolls back, which frees the lock.
        public void Dispose() => _connection.Dispose();
    }
}
