using System.Security.Cryptography;

namespace CozeCluster.Storage;

/// <summary>
/// Stores blobs in the database, which every node can reach. A blob is named by tenant and content, so a picture that a client sends again with every turn is
/// one blob.
/// </summary>
internal sealed class PostgresBlobStore(PostgresDatabase database, PostgresStorageOptions options, TimeProvider time) : IBlobStore
{
    public async ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var id = GrainKeys.Hash("blobs", tenantId) + "." + GrainKeys.Encode(SHA256.HashData(content.Span).AsSpan(0, 16));
        await using var command = database.Source.CreateCommand("""
            INSERT INTO CozeBlobs (Id, Content, ExpiresOn) VALUES ($1, $2, $3)
            ON CONFLICT (Id) DO UPDATE SET ExpiresOn = greatest(CozeBlobs.ExpiresOn, excluded.ExpiresOn)
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = content });
        command.Parameters.Add(new() { Value = (time.GetUtcNow() + options.BlobLifetime).UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return new BlobRef(id, contentType, BlobName.Sanitize(name), content.Length);
    }

    public async ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand("SELECT Content FROM CozeBlobs WHERE Id = $1 AND ExpiresOn > $2");
        command.Parameters.Add(new() { Value = blob.Id });
        command.Parameters.Add(new() { Value = time.GetUtcNow().UtcDateTime });
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is byte[] content) return new MemoryStream(content, writable: false);
        throw new ClusterException(ErrorCode.NotFound, $"The file {blob.Name} has expired. Upload it again.");
    }

    /// <summary>Deletes expired blobs.</summary>
    public async Task DeleteExpiredAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Source.CreateCommand("DELETE FROM CozeBlobs WHERE ExpiresOn <= $1");
        command.Parameters.Add(new() { Value = time.GetUtcNow().UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
