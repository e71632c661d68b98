using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage.Tests;

/// <summary>A silo on SQLite tests its storage at once when a save fails.</summary>
public sealed class StorageProbingTests : IAsyncDisposable
{
    private readonly SqliteSilo _silo = new();

    [Fact(Timeout = 60_000)]
    public async Task Save_that_fails_makes_the_next_answer_true()
    {
        await _silo.StartAsync();
        var probe = _silo.Services.GetRequiredService<IStorageProbe>();
        var store = _silo.Services.GetRequiredService<SqliteStore>();
        Assert.Null(await probe.Check(TestContext.Current.CancellationToken));
        await SetMaxPages(store, 1);

        // The test before has left free pages. Saves use them up.
        await Assert.ThrowsAsync<ClusterException>(async () =>
        {
            for (var n = 0; n < 10; n++) await store.Save("state", $"k{n}", 0, new byte[3_000]);
        });

        // Without the failed save, the answer from before would be given for a second.
        Assert.StartsWith("The disk of the data directory is full.", await probe.Check(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await SetMaxPages(store, 1_000_000);
        while (await probe.Check(TestContext.Current.CancellationToken) is not null) await Task.Yield();
    }

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    private static Task SetMaxPages(SqliteStore store, int pages) => store.Write(write =>
    {
        using var command = write.Connection.CreateCommand();
        command.CommandText = $"PRAGMA max_page_count = {pages}";
        command.ExecuteNonQuery();
        return true;
    });
}
