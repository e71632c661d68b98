using CozeCluster.Engine.Contract;
using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Saves that PostgreSQL refuses.</summary>
[Collection(TestCluster.Collection)]
public sealed class RefusedSaveTests : EngineContract<OrleansFixture>
{
    [Fact(Timeout = Hang)]
    public async Task A_grain_sees_no_exception_but_our_own()
    {
        await using var database = NpgsqlDataSource.Create(await Clusters.PostgresAsync());
        await using var refuse = database.CreateCommand($"ALTER TABLE OrleansStorage ADD CHECK (GrainIdExtensionString <> '={Key}')");
        await refuse.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        Probe.Open(Key);

        await Get<IKeepingGrain>().SaveInBackground(Key);

        await Probe.Happened($"{Key} {ErrorCode.Internal}");
    }
}
