using CozeCluster.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class GroupCommitTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("store-").FullName;
    private readonly SqliteStore _store;

    public GroupCommitTests() => _store = SqliteStore.Open(_directory, Durability.Process, new ManualTime(), NullLogger.Instance);

    [Fact(Timeout = 30_000)]
    public async Task Saves_that_wait_share_a_transaction()
    {
        using var blocker = new Blocker(_directory);
        var before = _store.Commits;
        var saves = Enumerable.Range(0, 200).Select(n => _store.Save("kind", "k" + n, 0, [1])).ToList();

        blocker.Dispose();

        Assert.All(await Task.WhenAll(saves), version => Assert.NotNull(version));
        // Whatever the writer took before it was blocked, and all the rest.
        Assert.InRange(_store.Commits - before, 1, 2);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_conflict_fails_its_own_save_only()
    {
        var version = (await _store.Save("kind", "contended", 0, [1]))!.Value;
        using var blocker = new Blocker(_directory);
        var first = _store.Save("kind", "contended", version, [2]);
        var second = _store.Save("kind", "contended", version, [3]);
        var other = _store.Save("kind", "other", 0, [4]);

        blocker.Dispose();

        Assert.Equal(version + 1, await first);
        Assert.Null(await second);
        Assert.NotNull(await other);
        Assert.Equal([2], _store.Read("kind", "contended")!.Value.Payload);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_write_that_fails_spoils_nobody_elses()
    {
        using var blocker = new Blocker(_directory);
        var good = _store.Save("kind", "good", 0, [1]);
        var bad = _store.Write(new BadWrite());
        var alsoGood = _store.Save("kind", "also good", 0, [1]);

        blocker.Dispose();

        Assert.NotNull(await good);
        Assert.NotNull(await alsoGood);
        var error = await Assert.ThrowsAsync<ClusterException>(() => bad);
        Assert.Equal(ErrorCode.Internal, error.Code);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_state_deleted_and_stored_anew_does_not_come_back_to_a_version_held()
    {
        var version = (await _store.Save("kind", "k", 0, [1]))!.Value;
        Assert.True(await _store.Clear("kind", "k", version));
        Assert.NotNull(await _store.Save("kind", "k", 0, [2]));

        Assert.Null(await _store.Save("kind", "k", version, [3]));
        Assert.False(await _store.Clear("kind", "k", version));
        Assert.False(await _store.Clear("kind", "k", 0));
    }

    [Fact(Timeout = 30_000)]
    public async Task Saves_made_before_closing_are_committed_and_later_ones_refused()
    {
        var saves = Enumerable.Range(0, 1000).Select(n => _store.Save("kind", "k" + n, 0, [1])).ToList();

        _store.Dispose();

        Assert.All(await Task.WhenAll(saves), version => Assert.NotNull(version));
        var error = await Assert.ThrowsAsync<ClusterException>(() => _store.Save("kind", "late", 0, [1]));
        Assert.Equal(ErrorCode.Draining, error.Code);
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private sealed class BadWrite : StoreWrite
    {
        protected override bool Execute(WriteStatements statements) => throw new InvalidOperationException("Cannot be written.");
    }

    /// <summary>Holds SQLite's write lock, so that writes pile up.</summary>
    private sealed class Blocker : IDisposable
    {
        private readonly SqliteConnection _connection;

        public Blocker(string directory)
        {
            _connection = new(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, Schema.FileName), Pooling = false }.ToString());
            _connection.Open();
            using var command = _connection.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
        }

        // Closing rolls back, which frees the lock.
        public void Dispose() => _connection.Dispose();
    }
}
