using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Storage;

namespace CozeCluster.Storage.Tests.Postgres;

public sealed class PostgresGrainStorageTests(PostgresSilo silo) : GrainStorageTests<PostgresSilo>(silo)
{
    [Fact]
    public async Task Write_RefusedByTheDatabase_FailsWithAClusterException()
    {
        await TestPostgres.ExecuteAsync(Silo.ConnectionString, $"ALTER TABLE OrleansStorage ADD CHECK (GrainIdExtensionString <> '={Id.Key}')");

        var error = await Assert.ThrowsAsync<ClusterException>(() => StoreAsync("text"));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.IsType<PostgresException>(error.InnerException);
    }

    [Fact]
    public async Task Write_StateThatChangesMeanwhile_StoresItAsItWasAtTheCall()
    {
        await using var other = new PostgresSilo { ServiceId = Silo.ServiceId, ConnectionString = Silo.ConnectionString + ";Maximum Pool Size=1" };
        await other.StartAsync();
        var state = State("at the call");
        Task write;
        await using (await other.Services.GetRequiredService<PostgresDatabase>().States.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            write = other.Storage.WriteStateAsync("test", Id, state);
            Assert.False(write.IsCompleted);
            state.State!.Text = "changed while the write waits for a connection";
        }
        await write;

        var read = await ReadAsync();
        Assert.Equal(("at the call", state.ETag), (read.State!.Text, read.ETag));
    }

    [Fact]
    public async Task Write_LostConnection_FailsWithCallRejected()
    {
        var failing = new FailingStorage(Silo.Services, failures: 1);

        var error = await Assert.ThrowsAsync<ClusterException>(() => CreateStorage(failing).WriteStateAsync("test", Id, State("text")));

        Assert.Equal((ErrorCode.CallRejected, 1), (error.Code, failing.Calls));
    }

    [Fact]
    public async Task Read_ConnectionLostTwice_ReturnsTheState()
    {
        await StoreAsync("text");
        var failing = new FailingStorage(Silo.Services, failures: 2);
        var read = State();

        await CreateStorage(failing).ReadStateAsync("test", Id, read);

        Assert.Equal(("text", true, 3), (read.State!.Text, read.RecordExists, failing.Calls));
    }

    [Fact]
    public async Task Read_ConnectionLostThreeTimes_FailsWithCallRejected()
    {
        var failing = new FailingStorage(Silo.Services, failures: 3);

        var error = await Assert.ThrowsAsync<ClusterException>(() => CreateStorage(failing).ReadStateAsync("test", Id, State()));

        Assert.Equal((ErrorCode.CallRejected, 3), (error.Code, failing.Calls));
    }

    protected override Task InsertAsync(string key, byte[] payload) => RunAsync(
        """
        INSERT INTO OrleansStorage (ServiceId, GrainTypeString, GrainIdExtensionString, PayloadBinary, ModifiedOn, Version)
        VALUES ($1, 'test', $2, $3, now(), 1)
        """,
        Silo.ServiceId, "=" + key, payload);

    protected override async Task<byte[]> ReadPayloadAsync(string stateName, string key)
    {
        await using var source = NpgsqlDataSource.Create(Silo.ConnectionString);
        await using var command = source.CreateCommand(
            "SELECT PayloadBinary FROM OrleansStorage WHERE ServiceId = $1 AND GrainTypeString = $2 AND GrainIdExtensionString = $3");
        foreach (var value in (string[])[Silo.ServiceId, stateName, "=" + key]) command.Parameters.Add(new() { Value = value });
        return Assert.IsType<byte[]>(await command.ExecuteScalarAsync());
    }

    private async Task RunAsync(string sql, params object[] values)
    {
        await using var source = NpgsqlDataSource.Create(Silo.ConnectionString);
        await using var command = source.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        Assert.NotEqual(0, await command.ExecuteNonQueryAsync());
    }

    private PostgresGrainStorage CreateStorage(IGrainStorage adoNet) => ActivatorUtilities.CreateInstance<PostgresGrainStorage>(Silo.Services, adoNet);

    /// <summary>Orleans' storage, whose first calls end their own connection, as a database server does when it stops.</summary>
    private sealed class FailingStorage(IServiceProvider silo, int failures) : IGrainStorage
    {
        private readonly IGrainStorage _adoNet = silo.GetRequiredKeyedService<IGrainStorage>(PostgresGrainStorage.AdoNet);

        public int Calls { get; private set; }

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            RunAsync(() => _adoNet.ReadStateAsync(stateName, grainId, grainState));

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            RunAsync(() => _adoNet.WriteStateAsync(stateName, grainId, grainState));

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            RunAsync(() => _adoNet.ClearStateAsync(stateName, grainId, grainState));

        private async Task RunAsync(Func<Task> call)
        {
            if (++Calls > failures)
            {
                await call();
                return;
            }
            await using var command = silo.GetRequiredService<PostgresDatabase>().States.CreateCommand("SELECT pg_terminate_backend(pg_backend_pid())");
            await command.ExecuteNonQueryAsync();
        }
    }
}
