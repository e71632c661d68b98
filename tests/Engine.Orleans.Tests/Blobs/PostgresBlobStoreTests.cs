using CozeCluster.Messages;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Blobs in PostgreSQL, and what is deleted there in the course of time.</summary>
public sealed class PostgresBlobStoreTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly string _tenant = Guid.NewGuid().ToString("n");
    private readonly OrleansEngineOptions _options = new() { ServiceId = Guid.NewGuid().ToString("n") };
    private NpgsqlDataSource _database = null!;
    private PostgresBlobStore _blobs = null!;

    public async ValueTask InitializeAsync()
    {
        _database = NpgsqlDataSource.Create(await Clusters.PostgresAsync());
        _blobs = new PostgresBlobStore(_database, _options, _time);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task What_was_put_is_opened_on_any_node()
    {
        var content = Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31)).ToArray();
        var blob = await _blobs.Put(_tenant, "../photo.png", "image/png", content, default);

        await using var stream = await new PostgresBlobStore(_database, _options, _time).Open(blob, default);

        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        Assert.Equal(content, read.ToArray());
        Assert.Equal(("photo.png", "image/png", 100_000L), (blob.Name, blob.ContentType, blob.Size));
    }

    [Fact]
    public async Task The_same_content_is_one_blob_whose_time_begins_anew_and_tenants_share_none()
    {
        var first = await _blobs.Put(_tenant, "a", "text/plain", "same"u8.ToArray(), default);
        _time.Advance(_options.BlobLifetime - TimeSpan.FromMinutes(1));
        var second = await _blobs.Put(_tenant, "b", "text/plain", "same"u8.ToArray(), default);
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(first.Id, second.Id);
        await using (await _blobs.Open(first, default))
        {
        }
        Assert.NotEqual(first.Id, (await _blobs.Put("another", "a", "text/plain", "same"u8.ToArray(), default)).Id);
    }

    [Fact]
    public async Task An_expired_blob_is_not_found_and_swept_up()
    {
        var blob = await _blobs.Put(_tenant, "a", "text/plain", "text"u8.ToArray(), default);
        _time.Advance(_options.BlobLifetime);

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await _blobs.Open(blob, default));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        await _blobs.SweepAsync(default);

        Assert.Equal(0L, await ScalarAsync($"SELECT count(*) FROM CozeBlobs WHERE Id = '{blob.Id}'"));
    }

    [Fact]
    public async Task Names_that_were_never_ours_are_not_found() =>
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(async () => await _blobs.Open(new BlobRef("'; --", "t", "n", 1), default))).Code);

    [Fact]
    public async Task States_past_their_retention_are_swept_up_and_no_others()
    {
        _options.Definitions =
        [
            GrainDefinition.Of<Contract.IKeepingGrain, Contract.KeepingGrain, Contract.KeptState>(
                "kept", Contract.KeptJson.Default.KeptState, retention: key => key.StartsWith("short", StringComparison.Ordinal) ? TimeSpan.FromHours(1) : null),
        ];
        await StoreAsync("=short-old", _time.GetUtcNow() - TimeSpan.FromHours(2));
        await StoreAsync("=short-new", _time.GetUtcNow());
        await StoreAsync("=ever", _time.GetUtcNow() - TimeSpan.FromDays(1000));
        for (var i = 0; i < 600; i++) await StoreAsync($"=short-{i:d4}", _time.GetUtcNow() - TimeSpan.FromHours(1));

        await new Housekeeping(_database, _blobs, _options, _time, NullLogger<Housekeeping>.Instance).SweepAsync(default);

        Assert.Equal("=ever =short-new", await ScalarAsync($"SELECT string_agg(GrainIdExtensionString, ' ' ORDER BY GrainIdExtensionString) FROM OrleansStorage WHERE ServiceId = '{_options.ServiceId}'"));
    }

    private async Task StoreAsync(string key, DateTimeOffset modified)
    {
        await using var command = _database.CreateCommand("INSERT INTO OrleansStorage VALUES ($1, 'kept', $2, '{}', $3, 1)");
        foreach (var value in (object[])[_options.ServiceId, key, modified.UtcDateTime]) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
