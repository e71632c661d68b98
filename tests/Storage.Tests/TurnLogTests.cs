namespace CozeCluster.Storage.Tests;

/// <summary>Behavior that <see cref="ITurnLog"/> must have on both databases.</summary>
public abstract class TurnLogTests<TSilo>(TSilo silo) : RowStoreTest<TSilo>(silo) where TSilo : StorageSilo
{
    // Old enough that no other test's turns are older.
    private static readonly DateTimeOffset LongAgo = new(2002, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task ListConversations_SeveralPages_ReturnsEachOnceByUseThenName()
    {
        var start = Now;
        for (var n = 0; n < 10; n++)
            await CreateAsync(KeyOf($"n{n}"), Head($"n{n}", n, start + TimeSpan.FromSeconds(n / 2)) with { Title = $"title {n}" });
        await CreateAsync(NewKey(), Head(null));

        var listed = new List<ConversationHead>();
        for (string? after = null; ; after = listed[^1].Name)
        {
            var page = await Log.ListConversations(Tenant, after is null ? null : KeyOf(after), 3, Cancel);
            listed.AddRange(page);
            if (page.Count == 0) break;
            Assert.InRange(page.Count, 1, 3);
        }

        Assert.Equal(["n8", "n9", "n6", "n7", "n4", "n5", "n2", "n3", "n0", "n1"], listed.Select(head => head.Name));
        Assert.Equal((await LoadAsync(KeyOf("n8"))).Head, listed[0]);
    }

    [Fact]
    public async Task ListConversations_AfterADeletedName_ContinuesWhereItWas()
    {
        var start = Now;
        for (var n = 0; n < 4; n++) await CreateAsync(KeyOf($"n{n}"), Head($"n{n}", 1, start - TimeSpan.FromSeconds(n)));
        await Store.Delete(KeyOf("n1"));

        Assert.Equal(["n0", "n2", "n3"], await ListAsync(null));
        Assert.Equal(["n2", "n3"], await ListAsync("n1"));
        Assert.Empty(await ListAsync("unknown"));
        Assert.Empty(await ListAsync("n3"));

        async Task<IEnumerable<string?>> ListAsync(string? after) =>
            (await Log.ListConversations(Tenant, after is null ? null : KeyOf(after), 10, Cancel)).Select(head => head.Name);
    }

    [Fact]
    public async Task ListConversations_OtherTenant_ReturnsNone()
    {
        await CreateAsync(KeyOf("n"), Head("n"));

        Assert.Empty(await Log.ListConversations("other-" + Tenant, null, 10, Cancel));
        Assert.Empty(await Log.ListConversations("other-" + Tenant, KeyOf("n"), 10, Cancel));
    }

    [Fact]
    public async Task Search_EveryCombinationOfTerms_ReturnsTheRowsThatMatchAll()
    {
        // The first row matches everything; each other one differs in one term.
        var id = Guid.NewGuid().ToString("n");
        var match = NewTurn() with
        {
            Model = "m" + id, BotId = "b" + id, AccountId = "a" + id, User = "u" + id,
            Status = TurnStatus.Failed, EndedAt = Now, Error = ErrorCode.UpstreamFailed,
        };
        TurnRow[] rows =
        [
            match,
            match with { TurnId = "turn_other" + id },
            match with { TenantId = "other" + id },
            match with { Model = "other" + id },
            match with { BotId = "other" + id },
            match with { AccountId = null },
            match with { User = null },
            match with { Status = TurnStatus.Cancelled },
        ];
        for (var i = 1; i < rows.Length; i++) rows[i] = rows[i] with { Id = Store.NewTurnRowId() };
        foreach (var row in rows) await CommitAsync(NewKey(), row);

        for (var terms = 1; terms < 1 << 7; terms++)
        {
            var query = new TurnQuery
            {
                TurnId = Has(0) ? match.TurnId : null,
                TenantId = Has(1) ? match.TenantId : null,
                Model = Has(2) ? match.Model : null,
                BotId = Has(3) ? match.BotId : null,
                AccountId = Has(4) ? match.AccountId : null,
                User = Has(5) ? match.User : null,
                Status = Has(6) ? match.Status : null,
                From = match.CreatedAt - TimeSpan.FromMinutes(1),
                Limit = 1000,
            };
            var expected = rows.Where((_, i) => i == 0 || !Has(i - 1)).Select(row => row.Id).OrderDescending().ToHashSet();

            var found = await Log.Search(query, Cancel);

            // The state alone also finds rows of other tests.
            Assert.Equal(expected.OrderDescending(), found.Select(row => row.Id).Where(found => terms != 1 << 6 || expected.Contains(found)));
            AssertEqual(match, Assert.Single(found, row => row.Id == match.Id));

            bool Has(int term) => (terms >> term & 1) == 1;
        }
    }

    [Theory]
    [InlineData(TurnStatus.Queued)]
    [InlineData(TurnStatus.Running)]
    [InlineData(TurnStatus.Completed)]
    [InlineData(TurnStatus.Failed)]
    [InlineData(TurnStatus.Cancelled)]
    public async Task Search_ByStatus_ReturnsTheRowsInThatState(TurnStatus status)
    {
        foreach (var each in Enum.GetValues<TurnStatus>())
            await CommitAsync(NewKey(), NewTurn() with { Status = each, EndedAt = each > TurnStatus.Running ? Now : null });

        Assert.Equal(status, Assert.Single(await Log.Search(new() { TenantId = Tenant, Status = status }, Cancel)).Status);
        Assert.All(await Log.Search(new() { Status = status }, Cancel), row => Assert.Equal(status, row.Status));
    }

    [Fact]
    public async Task Search_StateThatHasChanged_FindsTheTurnByItsNewState()
    {
        var key = NewKey();
        var turn = NewTurn();
        await CommitAsync(key, turn);
        var sent = Next(turn) with { BotId = "b", AccountId = "a" };
        await CommitAsync(key, sent);
        await CommitAsync(key, Next(sent) with { Status = TurnStatus.Cancelled, EndedAt = Now, Error = ErrorCode.Cancelled });

        Assert.Equal([turn.Id], await SearchAsync(new() { TenantId = Tenant, Status = TurnStatus.Cancelled }));
        Assert.Empty(await SearchAsync(new() { TenantId = Tenant, Status = TurnStatus.Running }));
        Assert.Equal([turn.Id], await SearchAsync(new() { TenantId = Tenant, BotId = "b", AccountId = "a" }));
    }

    [Fact]
    public async Task Search_SeveralPages_ReturnsEachOnceNewestFirst()
    {
        var turns = Enumerable.Range(0, 7).Select(_ => NewTurn()).ToList();
        // Not in the order of their ids.
        foreach (var turn in turns.OrderBy(turn => turn.TurnId)) await CommitAsync(NewKey(), turn);

        var found = new List<long>();
        var pages = new List<int>();
        for (long? before = null; ; before = found[^1])
        {
            var page = await SearchAsync(new() { TenantId = Tenant, Before = before, Limit = 3 });
            pages.Add(page.Count);
            found.AddRange(page);
            if (page.Count == 0) break;
        }

        Assert.Equal([3, 3, 1, 0], pages);
        Assert.Equal(turns.Select(turn => turn.Id).Reverse(), found);
    }

    [Fact]
    public async Task Search_TimeRange_IncludesItsStartAndExcludesItsEnd()
    {
        var turns = Enumerable.Range(0, 4).Select(n => NewTurn(LongAgo + TimeSpan.FromSeconds(n))).ToList();
        foreach (var turn in turns) await CommitAsync(NewKey(), turn);

        Assert.Equal(
            [turns[2].Id, turns[1].Id],
            await SearchAsync(new() { TenantId = Tenant, From = LongAgo + TimeSpan.FromSeconds(1), Until = LongAgo + TimeSpan.FromSeconds(3) }));
        Assert.Equal([turns[1].Id, turns[0].Id], await SearchAsync(new() { From = LongAgo, Until = LongAgo + TimeSpan.FromSeconds(3), Before = turns[2].Id }));
        Assert.Empty(await SearchAsync(new() { TenantId = Tenant, Until = LongAgo }));
    }

    [Fact]
    public async Task ReadUnfinished_SeveralPages_ReturnsEachKeyOnceInOrder()
    {
        var time = LongAgo - TimeSpan.FromDays(100);
        var keys = Enumerable.Range(0, 5).Select(_ => NewKey()).Order(StringComparer.Ordinal).ToList();
        foreach (var key in keys.AsEnumerable().Reverse()) await CommitAsync(key, NewTurn(time), NewTurn(time));
        // One has ended, one is newer, and one does not belong to a conversation.
        var ended = NewTurn(time);
        await CommitAsync(NewKey(), Next(ended) with { Version = 1, Status = TurnStatus.Completed, EndedAt = time });
        await CommitAsync(NewKey(), NewTurn(time + TimeSpan.FromMilliseconds(1)));
        var removed = NewTurn(time);
        await CommitAsync("removed", removed);
        await Store.Delete("removed");

        var read = new List<string>();
        var pages = new List<int>();
        for (var after = ""; ; after = read[^1])
        {
            var page = await Log.ReadUnfinished(time + TimeSpan.FromMilliseconds(1), after, 2, Cancel);
            pages.Add(page.Count);
            read.AddRange(page);
            if (page.Count == 0) break;
        }

        Assert.Equal([2, 2, 1, 0], pages);
        Assert.Equal(keys, read);
    }
}
