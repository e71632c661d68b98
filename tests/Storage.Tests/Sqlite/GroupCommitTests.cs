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
    public async Task Waiting_saves_share_a_transaction()
    {
        using var writeLock = new WriteLock(_directory);
        var before = _store.Commits;
        var saves = Enumerable.Range(0, 200).Select(n => _store.Save("state", "k" + n, 0, [1])).ToList();

        writeLock.Dispose();

        Assert.All(await Task.WhenAll(saves), version => Assert.NotNull(version));
        // One transaction for the writes taken before the lock, and one for the others.
        Assert.InRange(_store.Commits - before, 1, 2);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_conflict_fails_only_its_own_save()
    {
        var version = (await _store.Save("state", "contended", 0, [1]))!.Value;
        using var writeLock = new WriteLock(_directory);
        var first = _store.Save("state", "contended", version, [2]);
        var second = _store.Save("state", "contended", version, [3]);
        var other = _store.Save("state", "other", 0, [4]);

        writeLock.Dispose();

        Assert.Equal(version + 1, await first);
        Assert.Null(await second);
        Assert.NotNull(await other);
        Assert.Equal([2], _store.Read(reader => reader.ReadState("state", "contended"))!.Value.Payload);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_conversation_that_conflicts_fails_only_its_own_commit_of_a_group()
    {
        var conversations = new SqliteConversationStore(_store, new ManualTime());
        var stored = NewTurn(conversations);
        await conversations.Commit(new("stored") { Turns = [new(stored, [])] });
        using var writeLock = new WriteLock(_directory);
        var before = _store.Commits;
        var good = Enumerable.Range(0, 20).Select(n => conversations.Commit(new("good" + n) { Turns = [new(NewTurn(conversations), [])] })).ToList();
        var late = NewTurn(conversations);
        var bad = conversations.Commit(new("stored")
        {
            Head = new("tenant", null, default, default, 2, default),
            NextHeadVersion = 1,
            Turns = [new(late, [new(TurnContentKind.Prompt, new byte[] { 1 })]), new(stored with { Version = 3 }, [])],
        });
        good.AddRange(Enumerable.Range(20, 20).Select(n => conversations.Commit(new("good" + n) { Turns = [new(NewTurn(conversations), [])] })));

        writeLock.Dispose();

        await Task.WhenAll(good);
        Assert.Equal(ErrorCode.StateConflict, (await Assert.ThrowsAsync<ClusterException>(() => bad)).Code);
        Assert.InRange(_store.Commits - before, 1, 2);
        var loaded = await conversations.Load("stored", TestContext.Current.CancellationToken);
        Assert.Equal((0L, stored.Id, 1L), (loaded!.HeadVersion, loaded.Last!.Id, loaded.Last.Version));
        for (var n = 0; n < 40; n++) Assert.NotNull(await conversations.Load("good" + n, TestContext.Current.CancellationToken));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_row_twice_in_one_commit_is_refused_whole_and_fails_only_this_commit()
    {
        var conversations = new SqliteConversationStore(_store, new ManualTime());
        var turn = NewTurn(conversations);
        using var writeLock = new WriteLock(_directory);
        var good = conversations.Commit(new("good") { Turns = [new(NewTurn(conversations), [])] });
        var bad = conversations.Commit(new("bad") { Turns = [new(turn, []), new(turn, [])] });

        writeLock.Dispose();

        await good;
        Assert.Equal(ErrorCode.Internal, (await Assert.ThrowsAsync<ClusterException>(() => bad)).Code);
        Assert.Null(await conversations.Load("bad", TestContext.Current.CancellationToken));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_failed_write_does_not_fail_the_others_of_its_group()
    {
        using var writeLock = new WriteLock(_directory);
        var good = _store.Save("state", "good", 0, [1]);
        var bad = _store.Write(_ => throw new InvalidOperationException("Cannot be written."));
        var alsoGood = _store.Save("state", "also good", 0, [1]);

        writeLock.Dispose();

        Assert.NotNull(await good);
        Assert.NotNull(await alsoGood);
        var error = await Assert.ThrowsAsync<ClusterException>(() => bad);
        Assert.Equal(ErrorCode.Internal, error.Code);
    }

    [Fact(Timeout = 30_000)]
    public async Task Saves_before_closing_are_committed_and_later_ones_are_refused()
    {
        var saves = Enumerable.Range(0, 1000).Select(n => _store.Save("state", "k" + n, 0, [1])).ToList();

        _store.Dispose();

        Assert.All(await Task.WhenAll(saves), version => Assert.NotNull(version));
        Assert.Equal(ErrorCode.Draining, (await Assert.ThrowsAsync<ClusterException>(() => _store.Save("state", "late", 0, [1]))).Code);
        Assert.Equal(ErrorCode.Draining, Assert.Throws<ClusterException>(() => _store.Read(reader => reader.ReadState("state", "k1"))).Code);
        var conversations = new SqliteConversationStore(_store, new ManualTime());
        Assert.Equal(ErrorCode.Draining, (await Assert.ThrowsAsync<ClusterException>(() => conversations.Commit(new("late")))).Code);
        Assert.Equal(ErrorCode.Draining, (await Assert.ThrowsAsync<ClusterException>(() => conversations.Delete("late"))).Code);
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static TurnRow NewTurn(IConversationStore store) => new()
    {
        Id = store.NewTurnRowId(),
        Version = 1,
        TurnId = $"turn_{Guid.NewGuid():n}",
        TenantId = "tenant",
        Model = "model",
        Status = TurnStatus.Running,
        CreatedAt = default,
        Details = [],
    };

    /// <summary>Holds SQLite's write lock, so that writes have to wait.</summary>
    private sealed class WriteLock : IDisposable
    {
        private readonly SqliteConnection _connection;

        public WriteLock(string directory)
        {
            _connection = new(SqliteSchema.ConnectionString(directory));
            _connection.Open();
            using var command = _connection.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
        }

        // Closing the connection rolls back, which releases the lock.
        public void Dispose() => _connection.Dispose();
    }
}
