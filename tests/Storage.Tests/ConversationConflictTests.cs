namespace CozeCluster.Storage.Tests;

/// <summary>What both databases do when two activations of a conversation write.</summary>
public abstract class ConversationConflictTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commit_OtherVersionOfTheHead_WritesNothing(bool expectsNone)
    {
        var key = KeyOf("n");
        var head = Head("n");
        var turn = NewTurn();
        var version = await CreateAsync(key, head, turn);
        var added = NewTurn();

        await AssertConflictAsync(() => Store.Commit(new(key)
        {
            Head = head with { Turns = 2 },
            ExpectedHeadVersion = expectsNone ? 0 : version - 1,
            NextHeadVersion = expectsNone ? ConversationHead.NewVersion() : version,
            Turns = [new(added, [Reply(1)]), new(Ended(turn), [Reply(2)])],
            RemoveOldest = 1,
        }));

        await AssertUnchangedAsync(key, head, version, turn, added);
    }

    [Fact]
    public async Task Commit_HeadThatIsNotStored_WritesNothing()
    {
        var key = KeyOf("n");

        await AssertConflictAsync(() => Store.Commit(new(key)
        {
            Head = Head("n"), ExpectedHeadVersion = 3, NextHeadVersion = 4, Turns = [new(NewTurn(), [])],
        }));

        Assert.Null(await Store.Load(key, Cancel));
    }

    [Fact]
    public async Task Commit_OtherVersionOfATurn_WritesNothing()
    {
        var key = KeyOf("n");
        var head = Head("n");
        var turn = NewTurn();
        var version = await CreateAsync(key, head, turn);
        var added = NewTurn();

        await AssertConflictAsync(() => Store.Commit(new(key)
        {
            Head = head with { Turns = 2 },
            ExpectedHeadVersion = version,
            NextHeadVersion = version + 1,
            Turns = [new(added, [Reply(1)]), new(Next(Ended(turn)), [Reply(2)])],
            Remove = [turn.Id],
        }));

        await AssertUnchangedAsync(key, head, version, turn, added);
    }

    [Fact]
    public async Task Commit_OneTurnInAnotherVersion_DoesNotWriteItsContents()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn, Reply(1));
        await CommitAsync(key, Next(turn));

        await AssertConflictAsync(() => CommitAsync(key, Ended(turn), Reply(2)));

        var found = await FindAsync(key, turn.TurnId);
        Assert.Equal((2L, null), (found.Row.Version, found.Row.EndedAt));
        Assert.Equal([1], found.Find(TurnContentKind.Reply)!.Payload.ToArray());
    }

    [Fact]
    public async Task Commit_NewTurnThatIsStoredAlready_IsAConflict()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn);

        // The same row, and the same turn in a row of another activation.
        await AssertConflictAsync(() => CommitAsync(key, turn));
        await AssertConflictAsync(() => CommitAsync(key, turn with { Id = Store.NewTurnRowId() }, Reply(1)));

        Assert.Equal([turn.Id], await SearchAsync(new() { TenantId = Tenant }));
        Assert.Empty((await FindAsync(key, turn.TurnId)).Contents);
        // Another conversation may have a turn with this id.
        await CommitAsync(NewKey(), turn with { Id = Store.NewTurnRowId() });
    }

    [Fact]
    public async Task Commit_TwoWritersOfTheHead_ExactlyOneWins()
    {
        var key = KeyOf("n");
        var version = await CreateAsync(key, Head("n"));
        for (var round = 0; round < 10; round++)
        {
            TurnRow[] turns = [NewTurn(), NewTurn()];
            var writes = turns.Select(turn => Task.Run(() => TryAsync(() => Store.Commit(new(key)
            {
                Head = Head("n"), ExpectedHeadVersion = version + round, NextHeadVersion = version + round + 1, Turns = [new(turn, [])],
            }))));

            var won = await Task.WhenAll(writes);

            Assert.Single(won, true);
            var loaded = await LoadAsync(key);
            Assert.Equal((version + round + 1, round + 1), (loaded.HeadVersion, loaded.Unfinished.Count));
            Assert.Equal(turns[won[0] ? 0 : 1].Id, loaded.Last!.Id);
        }
    }

    [Fact]
    public async Task Commit_TwoActivationsAcceptTheFirstTurn_ExactlyOneWins()
    {
        for (var round = 0; round < 10; round++)
        {
            var key = NewKey();
            var turn = NewTurn();
            TurnRow[] rows = [turn, turn with { Id = Store.NewTurnRowId() }];

            var won = await Task.WhenAll(rows.Select(row => Task.Run(() => TryAsync(() => CommitAsync(key, row)))));

            Assert.Single(won, true);
            Assert.Equal(rows[won[0] ? 0 : 1].Id, Assert.Single((await LoadAsync(key)).Unfinished).Row.Id);
        }
    }

    [Fact]
    public async Task Commit_ConflictsBesideGoodCommits_FailAlone()
    {
        var stored = Enumerable.Range(0, 20).Select(_ => (Key: NewKey(), Turn: NewTurn())).ToList();
        await Task.WhenAll(stored.Select(turn => CommitAsync(turn.Key, turn.Turn)));

        // Every third commit expects a version that is not stored: some of them write a turn alone, some a head and two turns.
        var results = await Task.WhenAll(stored.Select((turn, n) => TryAsync(() => Store.Commit(new(turn.Key)
        {
            Head = n % 2 == 0 ? Head(null) : null,
            NextHeadVersion = 5,
            Turns =
            [
                new(n % 3 == 0 ? Next(Ended(turn.Turn)) : Ended(turn.Turn), [Reply((byte)n)]),
                .. n % 2 == 0 ? [new TurnChange(NewTurn(), [])] : Array.Empty<TurnChange>(),
            ],
        }))));

        for (var n = 0; n < stored.Count; n++)
        {
            var loaded = await LoadAsync(stored[n].Key);
            var found = await FindAsync(stored[n].Key, stored[n].Turn.TurnId);
            var isGood = n % 3 != 0;
            Assert.Equal(isGood, results[n]);
            Assert.Equal(isGood ? 2 : 1, found.Row.Version);
            Assert.Equal(isGood, found.Find(TurnContentKind.Reply) is not null);
            Assert.Equal(isGood && n % 2 == 0 ? 5 : 0, loaded.HeadVersion);
            Assert.Equal(isGood && n % 2 == 0, loaded.Last!.Id != found.Row.Id);
        }
    }

    private static async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (ClusterException e) when (e.Code == ErrorCode.StateConflict)
        {
            return false;
        }
    }

    private async Task AssertUnchangedAsync(string key, ConversationHead head, long version, TurnRow turn, TurnRow added)
    {
        var loaded = await LoadAsync(key);
        Assert.Equal((head, version), (loaded.Head, loaded.HeadVersion));
        AssertEqual(turn, loaded.Last);
        Assert.Empty(Assert.Single(loaded.Unfinished).Contents);
        Assert.Empty(await SearchAsync(new() { TurnId = added.TurnId }));
    }
}
