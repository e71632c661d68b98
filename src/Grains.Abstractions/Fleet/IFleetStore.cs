namespace CozeCluster;

/// <summary>Stores the fleet as rows with versions. Only the catalog grain uses it. Thread-safe.</summary>
public interface IFleetStore
{
    /// <summary>Reads rows ordered by kind and id.</summary>
    /// <param name="afterKind">The kind of the last row of the page before; the default value for the first page.</param>
    /// <param name="afterId">The id of the last row of the page before; empty for the first page.</param>
    /// <param name="limit">1 to 5000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<IReadOnlyList<FleetRow>> Read(FleetRowKind afterKind, string afterId, int limit, CancellationToken cancellationToken);

    /// <summary>The version of the stored fleet; 0 if none is stored.</summary>
    ValueTask<long> ReadVersion(CancellationToken cancellationToken);

    /// <summary>Writes rows, and raises the version of the fleet to <paramref name="nextVersion"/>, in one transaction.</summary>
    /// <param name="expectedVersion">The stored version; 0 if none is stored.</param>
    /// <param name="nextVersion">A greater version.</param>
    /// <param name="rows">The rows to write. A row without a payload is deleted.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.StateConflict"/>: another version is stored, and nothing was written.</exception>
    Task Commit(long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows);
}

/// <summary>One thing of the fleet.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Its id, unique for its kind. For a key, its hash.</param>
/// <param name="Version">The version of the fleet that changed it last.</param>
/// <param name="Payload">Its content, as the catalog wrote it; null: it is deleted.</param>
[GenerateSerializer, Immutable, Alias("fleet-row")]
public sealed record FleetRow(FleetRowKind Kind, string Id, long Version, byte[]? Payload);

/// <summary>The kinds of rows of a fleet. The numbers are stored: never change them.</summary>
[GenerateSerializer, Alias("fleet-row-kind")]
public enum FleetRowKind
{
    /// <summary>Settings of the whole fleet.</summary>
    Settings = 1,

    /// <summary>A tenant without its keys.</summary>
    Tenant = 2,

    /// <summary>An API key.</summary>
    Key = 3,

    /// <summary>An account.</summary>
    Account = 4,

    /// <summary>A Discord listener.</summary>
    Listener = 5,

    /// <summary>A bot.</summary>
    Bot = 6,

    /// <summary>A model.</summary>
    Model = 7,

    /// <summary>Which fleets were applied. Only the catalog uses it.</summary>
    Imports = 8,

    /// <summary>
    /// The key of <see cref="ConversationIds"/>, created with the first fleet. It is stored as it is: it protects the names of conversations, and the names
    /// themselves are in the same storage. So it is copied with the conversations, and does not change with the key that encrypts secrets.
    /// </summary>
    ConversationKey = 9,

    /// <summary>
    /// What is managed through the API, and what the fleet file says about it. The id is that of a <see cref="FleetItemId"/>. Only the catalog uses it.
    /// </summary>
    Managed = 10,
}
