using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// Deletes what has had its time: stored states past their kind's retention, and expired blobs. Every silo does so now and then; that two do at once harms nobody.
/// </summary>
internal sealed class Housekeeping(NpgsqlDataSource database, PostgresBlobStore blobs, OrleansEngineOptions options, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    private const int PageSize = 500;
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    /// <summary>One round.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await blobs.SweepAsync(cancellationToken);
        foreach (var kind in options.Definitions.Where(d => d.Retention is not null)) await ExpireAsync(kind, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.HousekeepingFailed(logger, e);
            }
        }
    }

    // A page at a time. A state that is saved meanwhile has another version and stays; a grain that is in memory all that time without a save notices with its next.
    private async Task ExpireAsync(GrainDefinition kind, CancellationToken cancellationToken)
    {
        for (var after = ""; ;)
        {
            var page = await ReadPageAsync(kind.Name, after, cancellationToken);
            if (page.Count == 0) return;
            after = page[^1].Key;
            var now = time.GetUtcNow();
            foreach (var state in page.Where(s => kind.Retention!(s.Key[1..]) is { } kept && s.ModifiedOn + kept <= now))
            {
                await using var command = Command("DELETE FROM OrleansStorage WHERE ServiceId = $1 AND GrainTypeString = $2 AND GrainIdExtensionString = $3 AND Version = $4", kind.Name, state.Key, state.Version);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }
    }

    private async Task<List<(string Key, int Version, DateTimeOffset ModifiedOn)>> ReadPageAsync(string kind, string after, CancellationToken cancellationToken)
    {
        var page = new List<(string, int, DateTimeOffset)>();
        await using var command = Command(
            """
            SELECT GrainIdExtensionString, Version, ModifiedOn FROM OrleansStorage
            WHERE ServiceId = $1 AND GrainTypeString = $2 AND GrainIdExtensionString > $3 ORDER BY GrainIdExtensionString LIMIT $4
            """,
            kind, after, PageSize);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken)) page.Add((row.GetString(0), row.GetInt32(1), row.GetFieldValue<DateTimeOffset>(2)));
        return page;
    }

    private NpgsqlCommand Command(string sql, string kind, string key, int number)
    {
        var command = database.CreateCommand(sql);
        foreach (var value in (object[])[options.ServiceId, kind, key, number]) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
