using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// The fleet of the whole cluster. Key: <see cref="GrainKeys.Catalog"/>. It applies fleets and gives every process what has changed; everything else reads from
/// the <see cref="IFleetView"/> of its process.
/// </summary>
[Alias("catalog")]
public interface ICatalogGrain : IGrainWithStringKey
{
    /// <summary>Applies a fleet. All processes use it within about a second. A fleet that is already applied changes nothing.</summary>
    /// <param name="fleet">The fleet. It is one message: 30,000 things take about 3 MB, and Orleans allows 100 MB.</param>
    /// <param name="isStart">
    /// Whether a node that starts has read it. Then a fleet that was applied before, and that another fleet has replaced since, is not applied again: the file
    /// of that node is old. The catalog remembers the last 32 fleets.
    /// </param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: its <see cref="Fleet.DeclaredVersion"/> is lower than the applied one.
    /// </exception>
    [Alias("Import"), Idempotent]
    Task<FleetImport> Import(Fleet fleet, bool isStart = false);

    /// <summary>Gets the next changes for a process, and records which version of the fleet the process uses.</summary>
    /// <returns>Null if the process knows everything.</returns>
    [Alias("GetChanges"), AlwaysInterleave, Idempotent]
    Task<FleetChanges?> GetChanges(FleetPoll poll);

    /// <summary>Gets the version of the fleet, and the processes that use it.</summary>
    [Alias("GetStatus"), AlwaysInterleave, Idempotent]
    Task<FleetStatus> GetStatus();

    /// <summary>
    /// Changes one thing of the fleet, if the fleet is valid with the change. Of two changes that expect the same version, one is refused. This process uses
    /// the change at once, others do within about a second.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the content, or the fleet with it, is not valid. <see cref="ErrorCode.NotFound"/>: there is no such thing.
    /// <see cref="ErrorCode.PreconditionFailed"/>: it has another version. <see cref="ErrorCode.Conflict"/>: the fleet file declares it, and it is not
    /// released. <see cref="ErrorCode.PermissionDenied"/>: it is for owners only (<see cref="FleetEdit.IsByOwner"/>).
    /// </exception>
    [Alias("Change")]
    Task<FleetEdited> Change(FleetEdit edit);

    /// <summary>
    /// Makes the fleet what a document says: things that differ are managed from now on, and managed things that the document lacks are deleted. It applies
    /// all of the document or nothing.
    /// </summary>
    /// <exception cref="ClusterException">As <see cref="Change"/>; <see cref="ErrorCode.Conflict"/> names a thing of the fleet file that differs.</exception>
    [Alias("ImportDocument")]
    Task<FleetDifferences> ImportDocument(FleetDocument document);

    /// <summary>Gets one thing of the fleet; null if there is none.</summary>
    [Alias("ReadItem"), AlwaysInterleave, Idempotent]
    Task<FleetItem?> ReadItem(FleetItemId id);

    /// <summary>Lists the things of a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="tenantId">For keys, their tenant; otherwise null.</param>
    /// <param name="after">The id after which the page begins; null for the first page.</param>
    /// <param name="limit">1 to 1000.</param>
    [Alias("ListItems"), AlwaysInterleave, Idempotent]
    Task<FleetItemPage> ListItems(FleetItemKind kind, string? tenantId, string? after, int limit);

    /// <summary>Writes the whole fleet as a fleet file in JSON.</summary>
    /// <param name="withSecrets">Whether it contains the secrets.</param>
    [Alias("Export"), AlwaysInterleave, Idempotent]
    Task<FleetExport> Export(bool withSecrets);
}

/// <summary>The fleet as a fleet file.</summary>
/// <param name="Version">The version of the fleet.</param>
/// <param name="Json">The file.</param>
[GenerateSerializer, Immutable, Alias("fleet-export")]
public sealed record FleetExport(long Version, string Json)
{
    /// <summary>The version, without the content.</summary>
    public override string ToString() => $"{nameof(FleetExport)} {Version}";
}

/// <summary>The result of an import.</summary>
/// <param name="Version">The version of the fleet that is in force.</param>
/// <param name="IsSuperseded">Whether the imported fleet was not applied, because another fleet has replaced it before.</param>
[GenerateSerializer, Immutable, Alias("fleet-import")]
public sealed record FleetImport(long Version, bool IsSuperseded)
{
    /// <summary>The things that the fleet declares otherwise than they are managed through the API. They were not changed.</summary>
    [Id(70)]
    public IReadOnlyList<FleetItemId> Unchanged { get => field ?? []; init; }
}

/// <summary>A process asks for changes of the fleet.</summary>
/// <param name="ProcessId">Identifies the process; unique in the cluster.</param>
/// <param name="KnownVersion">The version that the process uses; -1 if it has not loaded the fleet.</param>
[GenerateSerializer, Immutable, Alias("fleet-poll")]
public sealed record FleetPoll(string ProcessId, long KnownVersion)
{
    /// <summary>Where the page before ended; null for the first page.</summary>
    [Id(0)]
    public FleetCursor? After { get; init; }

    /// <summary>
    /// The loads of the silo's bots that have changed since its last poll. Null: the process needs no loads, because it is no silo or because no model has
    /// <see cref="RoutingStrategy.LeastBusy"/>.
    /// </summary>
    [Id(50)]
    public IReadOnlyList<BotLoad>? Loads { get; init; }
}

/// <summary>A place in the rows of a fleet, which are ordered by version, kind and id.</summary>
/// <param name="Since">All changes after this version are read.</param>
/// <param name="Version">The version of the last row.</param>
/// <param name="Kind">The kind of the last row.</param>
/// <param name="Id">The id of the last row.</param>
[GenerateSerializer, Immutable, Alias("fleet-cursor")]
public sealed record FleetCursor(long Since, long Version, FleetRowKind Kind, string Id);

/// <summary>A page of changes of the fleet. A process uses them when it has all pages.</summary>
/// <param name="Version">The version of the fleet after the last page.</param>
/// <param name="IsFull">
/// Whether the whole fleet follows from here: the process forgets what it knows, and the pages before this one. Otherwise the rows change what it knows.
/// </param>
/// <param name="Rows">The rows in the order of their versions.</param>
[GenerateSerializer, Immutable, Alias("fleet-changes")]
public sealed record FleetChanges(long Version, bool IsFull, IReadOnlyList<FleetRow> Rows)
{
    /// <summary>Where the next page begins; null if this is the last one.</summary>
    [Id(0)]
    public FleetCursor? Next { get; init; }

    /// <summary>The loads that other silos have reported since the last poll of the process, if its poll asked for loads.</summary>
    [Id(50)]
    public IReadOnlyList<BotLoad> Loads { get => field ?? []; init; }
}

/// <summary>The state of the catalog.</summary>
/// <param name="Version">The version of the fleet that is in force; 0 before the first import.</param>
/// <param name="Processes">The processes that have asked for changes within the last minute.</param>
[GenerateSerializer, Immutable, Alias("fleet-status")]
public sealed record FleetStatus(long Version, IReadOnlyList<FleetProcess> Processes);

/// <summary>A process that uses the fleet.</summary>
/// <param name="Id">See <see cref="FleetPoll.ProcessId"/>.</param>
/// <param name="Version">The version that it uses; -1 while it loads its first one.</param>
/// <param name="ConfirmedAt">When it last asked for changes.</param>
[GenerateSerializer, Immutable, Alias("fleet-process")]
public sealed record FleetProcess(string Id, long Version, DateTimeOffset ConfirmedAt);
