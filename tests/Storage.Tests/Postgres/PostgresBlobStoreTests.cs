using CozeCluster.TestKit;

namespace CozeCluster.Storage.Tests.Postgres;

public sealed class PostgresBlobStoreTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly string _tenant = Guid.NewGuid().ToString("n");
    private readonly PostgresStorageOptions _options = new();
    private PostgresDatabase _database = null!;
    private PostgresBlobStore _blobs = null!;

    public async ValueTask InitializeAsync()
    {
        _options.ConnectionString = await TestPostgres.ConnectionStringAsync();
        _database = new PostgresDatabase(_options);
        _blobs = new PostgresBlobStore(_database, _options, _time);
    }

    public async ValueTask DisposeAsync()
    {
        // A skipped test has no database.
        if (_database is not null) await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_stored_blob_can_be_opened_on_any_node()
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
    public async Task The_same_content_prolongs_the_same_blob_and_tenants_share_none()
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
    public async Task An_expired_blob_cannot_be_opened_and_is_deleted()
    {
        var blob = await _blobs.Put(_tenant, "a", "text/plain", "text"u8.ToArray(), default);
        _time.Advance(_options.BlobLifetime);

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await _blobs.Open(blob, default));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        await _blobs.DeleteExpiredAsync(default);

        Assert.Equal(0L, await TestPostgres.ScalarAsync(_options.ConnectionString, $"SELECT count(*) FROM CozeBlobs WHERE Id = '{blob.Id}'"));
    }

    [Fact]
    public async Task Invalid_ids_are_not_found()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await _blobs.Open(new BlobRef("'; --", "t", "n", 1), default));

        Assert.Equal(ErrorCode.NotFound, error.Code);
    }
}
