using System.Runtime.CompilerServices;

namespace CozeCluster.Storage;

/// <summary>
/// A source without the requests of turns that wait to be sent. Since a backup was made, its node may have sent them: the restored node must not send them
/// again. Their turns end with an error.
/// </summary>
/// <param name="source">The source, which the caller disposes.</param>
public sealed class WithoutWaitingPrompts(IStoreSource source) : IStoreSource
{
    /// <inheritdoc />
    public StoreOrigin Origin => source.Origin;

    /// <inheritdoc />
    public IReadOnlyList<string> DamagedBlobs => source.DamagedBlobs;

    /// <inheritdoc />
    public async IAsyncEnumerable<StoredRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in source.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (row.Kind != RowKind.Content || row["kind"] is not (long)TurnContentKind.Request) yield return row;
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
