namespace CozeCluster;

/// <summary>Tests whether this node's storage can be read and written now.</summary>
public interface IStorageProbe
{
    /// <summary>Writes and commits a small row as a save of a turn does.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null if the row is stored; otherwise the reason in one plain sentence, such as "The disk of the data directory is full."</returns>
    Task<string?> Check(CancellationToken cancellationToken);
}
