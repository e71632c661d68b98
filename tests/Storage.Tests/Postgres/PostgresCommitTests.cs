using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>How commits and reads of conversations use the database and its connections.</summary>
public sealed class PostgresCommitTests(PostgresSilo silo) : RowStoreTest<PostgresSilo>(silo)
{
    private const int Timeout = 60_000;

    [Fact(Timeout = Timeout)]
    public async Task Commit_TurnThatAnotherTransactionIsChanging_WaitsAndIsAConflict()
    {
        var (key, turn) = (NewKey(), NewTurn());
        await CommitAsync(key, turn);
        await using var other = await OpenAsync();
        await using var transaction = await other.BeginTransactionAsync(Cancel);
        await RunAsync(other, "UPDATE CozeTurns SET Version = Version + 1 WHERE Id = $1", turn.Id);

        var commit = CommitAsync(key, Ended(turn), Reply(1));
        await WaitForLockAsync(other);
        await transaction.CommitAsync(Cancel);

        await AssertConflictAsync(() => commit);
        var found = await FindAsync(key, turn.TurnId);
        Assert.Equal((2, TurnStatus.Running), (found.Row.Version, found.Row.Status));
        Assert.Empty(found.Contents);
    }

    [Fact(Timeout = Timeout)]
    public async Task Commit_LostConnection_FailsWithCallRejectedAndWritesNothing()
    {
        var (key, turn) = (NewKey(), NewTurn());
        await CommitAsync(key, turn);
        await using var other = await OpenAsync();
        await using (var transaction = await other.BeginTransactionAsync(Cancel))
        {
            await RunAsync(other, "SELECT 1 FROM CozeTurns WHERE Id = $1 FOR UPDATE", turn.Id);
            var commit = CommitAsync(key, Ended(turn), Reply(1));
            await RunAsync(other, "SELECT pg_terminate_backend($1)", await WaitForLockAsync(other));

            var error = await Assert.ThrowsAsync<ClusterException>(() => commit);
            Assert.Equal(ErrorCode.CallRejected, error.Code);
        }
        Assert.Empty((await FindAsync(key, turn.TurnId)).Contents);
        await CommitAsync(key, Ended(turn), Reply(1));
    }

    [Fact(Timeout = Timeout)]
    public async Task Read_LostConnection_IsRepeated()
    {
        var (key, turn) = (NewKey(), NewTurn());
        await using var own = await StartAsync(";Maximum Pool Size=1");
        var store = own.Services.GetRequiredService<IConversationStore>();
        await store.Commit(new(key) { Turns = [new(turn, [])] });
        await EndConnectionAsync();
        AssertEqual(turn, (await store.Load(key, Cancel))!.Last);
        await EndConnectionAsync();
        Assert.NotEmpty(await own.Services.GetRequiredService<ITurnLog>().Search(new() { TenantId = Tenant }, Cancel));

        async Task EndConnectionAsync()
        {
            await using var connection = await own.Services.GetRequiredService<PostgresDatabase>().States.OpenConnectionAsync(Cancel);
            var process = connection.ProcessID;
            await using var other = await OpenAsync();
            await RunAsync(other, "SELECT pg_terminate_backend($1, 30000)", process);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task AnyCall_OfAStoppedSilo_IsRefusedAsDraining()
    {
        var turn = NewTurn();
        var own = await StartAsync();
        var store = own.Services.GetRequiredService<IConversationStore>();
        await own.DisposeAsync();

        var commit = await Assert.ThrowsAsync<ClusterException>(() => store.Commit(new(NewKey()) { Turns = [new(turn, [])] }));
        var load = await Assert.ThrowsAsync<ClusterException>(async () => await store.Load(NewKey(), Cancel));

        Assert.Equal((ErrorCode.Draining, ErrorCode.Draining), (commit.Code, load.Code));
    }

    [Fact(Timeout = Timeout)]
    public async Task Commits_that_do_not_wait_for_the_disk_have_connections_of_their_own()
    {
        var turn = NewTurn();
        await using var own = await StartAsync(";Maximum Pool Size=1", savesWaitForDisk: false);
        var database = own.Services.GetRequiredService<PostgresDatabase>();
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);

        await own.Services.GetRequiredService<IConversationStore>().Commit(new(NewKey()) { Turns = [new(turn, [])] });

        Assert.NotSame(database.Source, database.States);
    }

    [Fact(Timeout = Timeout)]
    public async Task Each_method_takes_one_round_trip()
    {
        var server = new NpgsqlConnectionStringBuilder(Silo.ConnectionString);
        await using var counter = new RoundTrips(server.Host!, server.Port);
        await using var own = await StartAsync($";Port={counter.Port};Maximum Pool Size=1");
        var store = own.Services.GetRequiredService<IConversationStore>();
        var log = own.Services.GetRequiredService<ITurnLog>();
        var key = KeyOf("n");
        var (first, second) = (NewTurn(), NewTurn());
        var version = ConversationHead.NewVersion();
        await store.Load(key, Cancel);

        await CountAsync(() => store.Commit(new(key) { Head = Head("n"), NextHeadVersion = version, Turns = [new(first, [Reply(1)])] }));
        await CountAsync(() => store.Commit(new(key)
        {
            Head = Head("n"), ExpectedHeadVersion = version, NextHeadVersion = version + 1, Turns = [new(Ended(first), [Reply(2)]), new(second, [])],
        }));
        // From the sixth time on, a statement is prepared.
        for (var i = 0; i < 8; i++)
        {
            second = Next(second);
            await CountAsync(() => store.Commit(new(key) { Turns = [new(second, [Reply((byte)i)])] }));
            await CountAsync(() => store.Load(key, Cancel).AsTask());
        }
        await CountAsync(() => store.Commit(new(key) { Turns = [new(Ended(second), [Reply(2)])], Remove = [second.Id], RemoveOldest = 1 }));
        await CountAsync(() => store.FindTurn(key, first.TurnId, Cancel).AsTask());
        await CountAsync(() => store.ReadTurns(key, 10, Cancel).AsTask());
        await CountAsync(() => log.ListConversations(Tenant, "n", 10, Cancel).AsTask());
        await CountAsync(() => log.Search(new() { TenantId = Tenant, BotId = "b" }, Cancel).AsTask());
        await CountAsync(() => store.Delete(key));

        async Task CountAsync(Func<Task> call)
        {
            var before = counter.Count;
            await call();
            Assert.Equal(1, counter.Count - before);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Commit_BeforeATurnEnds_WritesNoIndex()
    {
        var database = new NpgsqlConnectionStringBuilder(await TestPostgres.EmptyDatabaseAsync()) { Pooling = true, MaxPoolSize = 1 }.ToString();
        await PostgresSchema.ApplyAsync(database);
        await using var own = new PostgresSilo { ConnectionString = database };
        await own.StartAsync();
        var store = own.Services.GetRequiredService<IConversationStore>();
        var key = NewKey();
        var queued = NewTurn() with { Status = TurnStatus.Queued, User = "user", KeyName = "key" };
        var running = Next(queued) with { Status = TurnStatus.Running, Attempts = 1 };
        var sent = Next(running) with
        {
            Handle = new byte[100], Upstream = "coze", BotId = "bot", AccountId = "account", FirstTextAt = Now, Details = new byte[300],
        };
        var ended = Ended(sent) with { Handle = null };

        await store.Commit(new(key) { Turns = [new(queued, [])] });
        await store.Commit(new(key) { Turns = [new(running, [])] });
        await store.Commit(new(key) { Turns = [new(sent, [])] });
        Assert.Equal((2, 2), await CountUpdatesAsync());
        await store.Commit(new(key) { Turns = [new(ended, [])] });
        Assert.Equal((3, 2), await CountUpdatesAsync());

        async Task<(long All, long WithoutIndex)> CountUpdatesAsync()
        {
            await using var connection = await own.Services.GetRequiredService<PostgresDatabase>().States.OpenConnectionAsync(Cancel);
            await RunAsync(connection, "SELECT pg_stat_force_next_flush()");
            await using var command = new NpgsqlCommand("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'cozeturns'", connection);
            await using var row = await command.ExecuteReaderAsync(Cancel);
            Assert.True(await row.ReadAsync(Cancel));
            return (row.GetInt64(0), row.GetInt64(1));
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Another_service_in_the_same_database_has_its_own_rows_and_processes_have_numbers()
    {
        await using var other = new PostgresSilo { ConnectionString = Silo.ConnectionString };
        await other.StartAsync();
        var theirs = other.Services.GetRequiredService<IConversationStore>();
        var (key, turn) = (KeyOf("n"), NewTurn());
        await CreateAsync(key, Head("n"), turn);

        Assert.Null(await theirs.Load(key, Cancel));
        await theirs.Commit(new(key) { Head = Head("n"), NextHeadVersion = 5, Turns = [new(turn, [Reply(1)])] });
        await theirs.Delete(key);

        var loaded = await LoadAsync(key);
        Assert.Equal((false, turn.Id), (loaded.Head!.IsDeleted, loaded.Last!.Id));
        Assert.NotEqual(ProcessOf(Store.NewTurnRowId()), ProcessOf(theirs.NewTurnRowId()));

        static long ProcessOf(long id) => id >> 11 & 1023;
    }

    [Theory]
    [InlineData("with a zero \0 inside")]
    [InlineData("long")]
    public async Task Any_user_and_title_of_a_client_can_be_stored_and_found(string user)
    {
        // Random, so that PostgreSQL cannot make it shorter.
        if (user == "long") user = new string('x', 64) + string.Concat(Enumerable.Range(0, 960).Select(_ => (char)Random.Shared.Next(0x4e00, 0x9fff)));
        var (turn, similar) = (NewTurn() with { User = user }, NewTurn() with { User = user[..^1] });
        var key = KeyOf("n");

        await CreateAsync(key, Head("n") with { Title = user }, turn, similar);

        Assert.Equal([turn.Id], await SearchAsync(new() { User = user }));
        Assert.Equal([similar.Id], await SearchAsync(new() { TenantId = Tenant, User = user[..^1] }));
        Assert.Equal(user.Replace('\0', '\uFFFD'), (await LoadAsync(key)).Head!.Title);
    }

    private async Task<PostgresSilo> StartAsync(string options = "", bool savesWaitForDisk = true)
    {
        var own = new PostgresSilo { ServiceId = Silo.ServiceId, ConnectionString = Silo.ConnectionString + options, SavesWaitForDisk = savesWaitForDisk };
        await own.StartAsync();
        return own;
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(Silo.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        return connection;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>Waits until another connection waits for a lock of this one.</summary>
    /// <returns>The process of that connection.</returns>
    private static async Task<int> WaitForLockAsync(NpgsqlConnection holder)
    {
        while (true)
        {
            await using var command = new NpgsqlCommand("SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))", holder);
            if (await command.ExecuteScalarAsync(Cancel) is int process) return process;
        }
    }
}
