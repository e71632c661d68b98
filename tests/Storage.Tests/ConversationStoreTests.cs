namespace CozeCluster.Storage.Tests;

/// <summary>Behavior that <see cref="IConversationStore"/> must have on both databases.</summary>
public abstract class ConversationStoreTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    [Fact]
    public async Task Load_NothingStored_ReturnsNull() => Assert.Null(await Store.Load(NewKey(), Cancel));

    [Fact]
    public void NewTurnRowId_Always_Increases()
    {
        var ids = Enumerable.Range(0, 5_000).Select(_ => Store.NewTurnRowId()).ToList();

        Assert.Equal(ids.Distinct().Order(), ids);
        Assert.InRange(TurnRowId.TimeOf(ids[0]), Now - TimeSpan.FromMinutes(1), Now + TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Commit_FirstTurnWithoutName_IsLoadedWithoutHead()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn, new TurnContent(TurnContentKind.Request, new byte[] { 7 }), new TurnContent(TurnContentKind.Prompt, new byte[] { 8 }));

        var loaded = await LoadAsync(key);

        Assert.Equal((null, 0), (loaded.Head, loaded.HeadVersion));
        AssertEqual(turn, loaded.Last);
        Assert.Null(loaded.LastWithHandle);
        var unfinished = Assert.Single(loaded.Unfinished);
        AssertEqual(turn, unfinished.Row);
        Assert.Equal([7], unfinished.Find(TurnContentKind.Request)!.Payload.ToArray());
        Assert.Equal([8], unfinished.Find(TurnContentKind.Prompt)!.Payload.ToArray());
    }

    [Fact]
    public async Task Commit_EveryPropertyOfATurn_IsStored()
    {
        var key = NewKey();
        var first = NewTurn() with { KeyName = "key, 键", User = "user", Status = TurnStatus.Queued, Attempts = 1 };
        await CommitAsync(key, first);
        AssertEqual(first, (await FindAsync(key, first.TurnId)).Row);

        var sent = Next(first) with { Status = TurnStatus.Running, Upstream = "coze", BotId = "b", AccountId = "a", Attempts = 2, Handle = [4], Details = [] };
        await CommitAsync(key, sent);
        AssertEqual(sent, (await FindAsync(key, first.TurnId)).Row);

        var retried = Next(sent) with { Upstream = null, BotId = null, AccountId = null, Attempts = 3, FirstTextAt = Now, Handle = null };
        await CommitAsync(key, retried);
        AssertEqual(retried, (await FindAsync(key, first.TurnId)).Row);

        var ended = Next(retried) with
        {
            Status = TurnStatus.Failed, EndedAt = Now, Error = ErrorCode.UpstreamTimeout, Upstream = "discord", BotId = "b2", AccountId = "a2",
            InputTokens = 0, OutputTokens = 5_000_000_000, IsHistory = true, Handle = [5, 6], Details = [9],
        };
        await CommitAsync(key, ended);
        AssertEqual(ended, (await FindAsync(key, first.TurnId)).Row);

        // The details of a turn that has ended may be written again.
        var again = Next(ended) with { IsHistory = false, Details = [10] };
        await CommitAsync(key, again);
        AssertEqual(again, (await LoadAsync(key)).Last);
    }

    [Fact]
    public async Task Commit_EndOfATurn_StoresItsReplyAndItIsFinished()
    {
        var key = NewKey();
        var turn = NewTurn();
        var expiresAt = Now + TimeSpan.FromHours(1);
        await CommitAsync(key, turn);

        await CommitAsync(key, Ended(turn), new TurnContent(TurnContentKind.Reply, new byte[] { 1, 2 }, expiresAt));

        var loaded = await LoadAsync(key);
        Assert.Empty(loaded.Unfinished);
        Assert.Equal(2, loaded.Last!.Version);
        var reply = Assert.Single((await FindAsync(key, turn.TurnId)).Contents);
        Assert.Equal((TurnContentKind.Reply, expiresAt), (reply.Kind, reply.ExpiresAt));
        Assert.Equal([1, 2], reply.Payload.ToArray());
    }

    [Fact]
    public async Task Commit_ContentOfTheSameKind_ReplacesItAndOneWithoutBytesDeletesIt()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn, new TurnContent(TurnContentKind.Request, new byte[] { 1 }), Reply(2));

        await CommitAsync(key, Next(turn), new TurnContent(TurnContentKind.Request, default), Reply(3, 3));

        var reply = Assert.Single((await FindAsync(key, turn.TurnId)).Contents);
        Assert.Equal(TurnContentKind.Reply, reply.Kind);
        Assert.Equal([3, 3], reply.Payload.ToArray());
        Assert.Null(reply.ExpiresAt);
    }

    [Fact]
    public async Task Load_SeveralTurns_ReturnsTheUnfinishedTheLastAndTheLastWithHandle()
    {
        var key = KeyOf("n");
        TurnRow[] turns = [NewTurn() with { Handle = [1] }, NewTurn() with { Handle = [2] }, NewTurn(), NewTurn()];
        await CreateAsync(key, Head("n", 4), turns);
        await CommitAsync(key, Ended(turns[0]), Ended(turns[1]), Ended(turns[2]));
        await CommitAsync(KeyOf("other"), NewTurn() with { Handle = [3] });

        var loaded = await LoadAsync(key);

        Assert.Equal([turns[3].Id], loaded.Unfinished.Select(turn => turn.Row.Id));
        AssertEqual(turns[3], loaded.Last);
        Assert.Equal(turns[1].Id, loaded.LastWithHandle!.Id);
    }

    [Fact]
    public async Task Commit_Head_StoresEveryPropertyAndItsVersion()
    {
        var key = KeyOf("chat, 对话");
        var head = Head("chat, 对话") with { Title = "Title" };
        var version = await CreateAsync(key, head);

        var first = await LoadAsync(key);
        Assert.Equal((head, version), (first.Head, first.HeadVersion));
        Assert.Empty(first.Unfinished);
        Assert.Null(first.Last);

        var changed = head with { LastUsedAt = Now + TimeSpan.FromSeconds(1), Turns = 7, ExpiresAt = Now + TimeSpan.FromDays(2), Title = null };
        await Store.Commit(new(key) { Head = changed, ExpectedHeadVersion = version, NextHeadVersion = version + 1 });
        var second = await LoadAsync(key);
        Assert.Equal((changed, version + 1), (second.Head, second.HeadVersion));
    }

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
            Turns = [new(n % 3 == 0 ? Next(Ended(turn.Turn)) : Ended(turn.Turn), [Reply((byte)n)]), .. n % 2 == 0 ? [new TurnChange(NewTurn(), [])] : Array.Empty<TurnChange>()],
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

    [Fact]
    public async Task Commit_ArgumentsThatChangeAfterwards_StoresWhatWasPassed()
    {
        var key = NewKey();
        var payload = new byte[] { 1 };
        var contents = new List<TurnContent> { new(TurnContentKind.Reply, payload) };
        var turns = new List<TurnChange> { new(NewTurn(), contents) };
        var turnId = turns[0].Row.TurnId;

        var commit = Store.Commit(new(key) { Turns = turns });
        payload[0] = 2;
        contents.Clear();
        turns.Clear();
        await commit;

        Assert.Equal([1], (await FindAsync(key, turnId)).Find(TurnContentKind.Reply)!.Payload.ToArray());
    }

    [Fact]
    public async Task Commit_DamagedBytes_HarmNoOtherTurn()
    {
        var key = KeyOf("n");
        TurnRow[] turns = [NewTurn() with { Details = [], Handle = [] }, NewTurn() with { Details = [0, 255, 0], Handle = [0] }, NewTurn()];
        await CreateAsync(key, Head("n", 3), turns);

        var read = await Store.ReadTurns(key, 10, Cancel);

        for (var i = 0; i < turns.Length; i++) AssertEqual(turns[i], read[i].Row);
        Assert.Equal(3, (await LoadAsync(key)).Unfinished.Count);
    }

    [Fact]
    public async Task FindTurn_UnknownOrOfAnotherConversation_ReturnsNull()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn);

        Assert.Null(await Store.FindTurn(key, "turn_unknown", Cancel));
        Assert.Null(await Store.FindTurn(NewKey(), turn.TurnId, Cancel));
    }

    [Fact]
    public async Task ReadTurns_MoreThanTheLimit_ReturnsTheLastOldestFirstWithPromptsAndReplies()
    {
        var key = KeyOf("n");
        var turns = Enumerable.Range(0, 5).Select(_ => NewTurn()).ToList();
        foreach (var turn in turns)
        {
            await CommitAsync(key, turn, new TurnContent(TurnContentKind.Request, new byte[] { 1 }));
            await CommitAsync(key, Ended(turn), new TurnContent(TurnContentKind.Prompt, BitConverter.GetBytes(turn.Id)), Reply(BitConverter.GetBytes(turn.Id)));
        }

        var read = await Store.ReadTurns(key, 3, Cancel);

        Assert.Equal(turns[2..].Select(turn => turn.Id), read.Select(turn => turn.Row.Id));
        Assert.All(read, turn =>
        {
            Assert.Equal(BitConverter.GetBytes(turn.Row.Id), turn.Find(TurnContentKind.Prompt)!.Payload.ToArray());
            Assert.Equal(BitConverter.GetBytes(turn.Row.Id), turn.Find(TurnContentKind.Reply)!.Payload.ToArray());
            Assert.Null(turn.Find(TurnContentKind.Request));
        });
        Assert.Empty(await Store.ReadTurns(NewKey(), 3, Cancel));
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
