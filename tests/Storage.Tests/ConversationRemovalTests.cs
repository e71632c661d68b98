namespace CozeCluster.Storage.Tests;

/// <summary>What both databases do with turns that leave their conversation, with deleted conversations, and with what has expired.</summary>
public abstract class ConversationRemovalTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    // Old enough that no other test's turns are older.
    private static readonly DateTimeOffset LongAgo = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task RemoveOldest_SomeTurnsHaveEnded_RemovesTheOldestOfThose()
    {
        var key = KeyOf("n");
        var turns = await StoreEndedAsync(key, 4);
        var running = NewTurn(LongAgo);
        await CommitAsync(key, running);

        await Store.Commit(new(key) { RemoveOldest = 2 });

        Assert.Equal([running.Id, turns[2].Id, turns[3].Id], (await Store.ReadTurns(key, 10, Cancel)).Select(turn => turn.Row.Id));
        await AssertInLogOnlyAsync(key, turns[0]);
        await AssertInLogOnlyAsync(key, turns[1]);
    }

    [Fact]
    public async Task RemoveOldest_MoreThanHaveEnded_RemovesTheTurnThatTheCommitEnds()
    {
        var key = KeyOf("n");
        var turn = NewTurn();
        await CommitAsync(key, turn);
        var ended = Ended(turn) with { IsHistory = true };

        await Store.Commit(new(key) { Turns = [new(ended, [Reply(1)])], RemoveOldest = 5 });

        await AssertInLogOnlyAsync(key, ended);
        Assert.Null(await Store.Load(key, Cancel));
    }

    [Fact]
    public async Task Remove_TurnsOfTheConversation_RemovesThose()
    {
        var key = KeyOf("n");
        var turns = await StoreEndedAsync(key, 3);
        var other = (await StoreEndedAsync(KeyOf("other"), 1))[0];

        await Store.Commit(new(key) { Remove = [turns[2].Id, turns[0].Id, other.Id] });

        Assert.Equal([turns[1].Id], (await Store.ReadTurns(key, 10, Cancel)).Select(turn => turn.Row.Id));
        await AssertInLogOnlyAsync(key, turns[0]);
        await AssertInLogOnlyAsync(key, turns[2]);
        Assert.NotEmpty((await FindAsync(KeyOf("other"), other.TurnId)).Contents);
    }

    [Fact]
    public async Task Remove_TurnThatAnotherActivationStillHas_ItsNextCommitIsAConflict()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn);

        await Store.Commit(new(key) { Remove = [turn.Id] });

        await AssertConflictAsync(() => CommitAsync(key, Ended(turn)));
    }

    [Fact]
    public async Task Delete_NamedConversation_LeavesATombstoneAndTheLog()
    {
        var key = KeyOf("n");
        var head = Head("n") with { Title = "title" };
        var turns = await StoreEndedAsync(key, 2);
        var version = await CreateAsync(key, head);
        var before = Now;

        await Store.Delete(key);

        var loaded = await LoadAsync(key);
        Assert.InRange(loaded.Head!.ExpiresAt, before + TimeSpan.FromHours(1), Now + TimeSpan.FromHours(1) + TimeSpan.FromMilliseconds(1));
        Assert.Equal(head with { Title = null, IsDeleted = true, Turns = 0, ExpiresAt = loaded.Head.ExpiresAt }, loaded.Head);
        Assert.Equal(version + 1, loaded.HeadVersion);
        Assert.Null(loaded.Last);
        foreach (var turn in turns) await AssertInLogOnlyAsync(key, turn);

        await Store.Delete(key);
        var again = await LoadAsync(key);
        Assert.Equal((loaded.Head, loaded.HeadVersion), (again.Head, again.HeadVersion));
    }

    [Fact]
    public async Task Delete_ConversationWithoutHead_LeavesTheLog()
    {
        var key = NewKey();
        var turn = (await StoreEndedAsync(key, 1))[0];

        await Store.Delete(key);

        Assert.Null(await Store.Load(key, Cancel));
        await AssertInLogOnlyAsync(key, turn);
    }

    [Fact]
    public async Task Delete_UnknownConversation_DoesNothing()
    {
        var key = NewKey();

        await Store.Delete(key);

        Assert.Null(await Store.Load(key, Cancel));
    }

    [Fact]
    public async Task Commit_AfterDelete_CreatesTheConversationAgain()
    {
        var key = KeyOf("n");
        var version = await CreateAsync(key, Head("n"), NewTurn());
        await Store.Delete(key);
        var turn = NewTurn();
        var head = Head("n");

        // An activation that does not know of the deletion loses.
        await AssertConflictAsync(() => Store.Commit(new(key) { Head = head, ExpectedHeadVersion = version, NextHeadVersion = version + 1 }));
        await Store.Commit(new(key) { Head = head, ExpectedHeadVersion = version + 1, NextHeadVersion = version + 2, Turns = [new(turn, [])] });

        var loaded = await LoadAsync(key);
        Assert.Equal((head, version + 2), (loaded.Head, loaded.HeadVersion));
        Assert.Equal([turn.Id], loaded.Unfinished.Select(unfinished => unfinished.Row.Id));
        Assert.Equal(["n"], (await Log.ListConversations(Tenant, null, 10, Cancel)).Select(listed => listed.Name));
    }

    [Fact]
    public async Task DeleteExpiredContents_SomeHaveExpired_DeletesThoseInSteps()
    {
        await SweepAsync();
        var key = NewKey();
        var turns = Enumerable.Range(0, 5).Select(_ => NewTurn()).ToList();
        foreach (var turn in turns)
        {
            await CommitAsync(
                key, turn,
                new TurnContent(TurnContentKind.Reply, new byte[] { 1 }, Now - TimeSpan.FromSeconds(1)),
                new TurnContent(TurnContentKind.Prompt, new byte[] { 2 }, Now + TimeSpan.FromHours(1)),
                new TurnContent(TurnContentKind.Request, new byte[] { 3 }));
        }

        var steps = new List<int>();
        for (var i = 0; i < 4; i++) steps.Add(await Expiring.DeleteExpiredContentsAsync(2, Cancel));

        Assert.Equal([2, 2, 1, 0], steps);
        var unfinished = (await LoadAsync(key)).Unfinished;
        Assert.Equal(turns.Select(turn => turn.Id), unfinished.Select(turn => turn.Row.Id));
        Assert.All(unfinished, turn =>
            Assert.Equal([TurnContentKind.Request, TurnContentKind.Prompt], turn.Contents.Select(content => content.Kind).Order()));
    }

    [Fact]
    public async Task DeleteExpiredConversations_SomeHaveExpired_DeletesThoseInSteps()
    {
        await SweepAsync();
        var turns = new List<TurnRow>();
        for (var n = 0; n < 3; n++)
        {
            turns.AddRange(await StoreEndedAsync(KeyOf($"expired-{n}"), 2));
            await CreateAsync(KeyOf($"expired-{n}"), Head($"expired-{n}", 2) with { ExpiresAt = Now - TimeSpan.FromSeconds(3 - n) });
        }
        await StoreEndedAsync(KeyOf("kept"), 1);
        await CreateAsync(KeyOf("kept"), Head("kept"));

        // Each conversation is a head and two turns, and is deleted whole.
        var steps = new List<int>();
        for (var i = 0; i < 3; i++) steps.Add(await Expiring.DeleteExpiredConversationsAsync(4, Cancel));

        Assert.Equal([6, 3, 0], steps);
        for (var n = 0; n < 3; n++) Assert.Null(await Store.Load(KeyOf($"expired-{n}"), Cancel));
        for (var i = 0; i < turns.Count; i++) await AssertInLogOnlyAsync(KeyOf($"expired-{i / 2}"), turns[i]);
        Assert.NotNull((await LoadAsync(KeyOf("kept"))).Last);
        Assert.Equal(["kept"], (await Log.ListConversations(Tenant, null, 10, Cancel)).Select(head => head.Name));
    }

    [Fact]
    public async Task DeleteExpiredConversations_TurnIsRunning_WaitsForItsEnd()
    {
        await SweepAsync();
        var key = NewKey();
        var turn = NewTurn();
        await CreateAsync(key, Head(null) with { ExpiresAt = Now - TimeSpan.FromSeconds(1) }, turn);

        Assert.Equal(0, await Expiring.DeleteExpiredConversationsAsync(10, Cancel));
        await CommitAsync(key, Ended(turn));

        Assert.Equal(2, await Expiring.DeleteExpiredConversationsAsync(10, Cancel));
        Assert.Null(await Store.Load(key, Cancel));
    }

    [Fact]
    public async Task DeleteExpiredConversations_ActivationStillHasTheHead_ItsNextCommitIsAConflict()
    {
        var key = KeyOf("n");
        var version = await CreateAsync(key, Head("n") with { ExpiresAt = Now - TimeSpan.FromSeconds(1) });
        await SweepAsync();

        await AssertConflictAsync(() => Store.Commit(new(key) { Head = Head("n"), ExpectedHeadVersion = version, NextHeadVersion = version + 1 }));
    }

    [Fact]
    public async Task DeleteOldTurns_SomeAreOlder_DeletesThoseThatAreNotHistoryInSteps()
    {
        var key = NewKey();
        var limit = LongAgo + TimeSpan.FromMinutes(1);
        await CountAllAsync();
        await Expiring.DeleteOldTurnsAsync(limit, 1000, Cancel);
        var old = Enumerable.Range(0, 5).Select(n => NewTurn(LongAgo + TimeSpan.FromSeconds(n))).ToList();
        var history = NewTurn(LongAgo) with { IsHistory = true };
        var newer = NewTurn(limit);
        foreach (var turn in (TurnRow[])[.. old, history, newer]) await CommitAsync(key, turn, Reply(1));

        var steps = new List<int>();
        for (var i = 0; i < 4; i++) steps.Add(await Expiring.DeleteOldTurnsAsync(limit, 2, Cancel));

        Assert.Equal([2, 2, 1, 0], steps);
        var kept = await Store.ReadTurns(key, 10, Cancel);
        Assert.Equal([history.Id, newer.Id], kept.Select(turn => turn.Row.Id));
        Assert.All(kept, turn => Assert.Single(turn.Contents));
        Assert.Equal([newer.Id, history.Id], await SearchAsync(new() { TenantId = Tenant }));
        foreach (var turn in old) Assert.Equal(0, await CountContentsAsync(turn.Id));
    }

    /// <summary>How many contents of a row the database has.</summary>
    protected abstract Task<long> CountContentsAsync(long rowId);

    /// <summary>Deletes what other tests have left.</summary>
    private async Task SweepAsync()
    {
        while (await Expiring.DeleteExpiredContentsAsync(1000, Cancel) > 0) Cancel.ThrowIfCancellationRequested();
        while (await Expiring.DeleteExpiredConversationsAsync(1000, Cancel) > 0) Cancel.ThrowIfCancellationRequested();
    }

    /// <summary>Stores turns of the history that have ended, each with a reply.</summary>
    private async Task<IReadOnlyList<TurnRow>> StoreEndedAsync(string key, int count)
    {
        var ended = new List<TurnRow>();
        for (var i = 0; i < count; i++)
        {
            var turn = NewTurn() with { IsHistory = true };
            await CommitAsync(key, turn);
            ended.Add(Ended(turn));
            await CommitAsync(key, ended[i], Reply(1));
        }
        return ended;
    }

    private async Task AssertInLogOnlyAsync(string key, TurnRow turn)
    {
        Assert.Null(await Store.FindTurn(key, turn.TurnId, Cancel));
        AssertEqual(Next(turn) with { IsHistory = false }, await LogRowAsync(turn.TurnId));
        Assert.Equal(0, await CountContentsAsync(turn.Id));
    }
}
