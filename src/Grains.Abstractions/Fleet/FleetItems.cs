namespace CozeCluster;

/// <summary>The kinds of things of a fleet that can be managed one by one. The numbers are stored: never change them.</summary>
[GenerateSerializer, Alias("fleet-item-kind")]
public enum FleetItemKind
{
    /// <summary>A tenant without its keys.</summary>
    Tenant = 1,

    /// <summary>An API key of a tenant.</summary>
    Key = 2,

    /// <summary>An account.</summary>
    Account = 3,

    /// <summary>A Discord listener.</summary>
    Listener = 4,

    /// <summary>A bot.</summary>
    Bot = 5,

    /// <summary>A model.</summary>
    Model = 6,

    /// <summary>What belongs to no single thing: notifications and endpoints. There is one, <see cref="FleetItemId.Settings"/>.</summary>
    Settings = 7,
}

/// <summary>Identifies a thing of the fleet.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Its id, unique for its kind. For a key, the id of its tenant, a slash, and its name.</param>
[GenerateSerializer, Immutable, Alias("fleet-item-id")]
public readonly record struct FleetItemId(FleetItemKind Kind, string Id)
{
    /// <summary>The id of the only thing of kind <see cref="FleetItemKind.Settings"/>.</summary>
    public static FleetItemId Settings { get; } = new(FleetItemKind.Settings, "fleet");

    /// <summary>The id of a key.</summary>
    public static FleetItemId Key(string tenantId, string name) => new(FleetItemKind.Key, $"{tenantId}/{name}");

    /// <summary>The tenant of a key, which is what its id begins with.</summary>
    public string TenantOfKey() => Id[..Id.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>The name of a key.</summary>
    public string NameOfKey() => Id[(Id.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>The name of a key, the id of everything else.</summary>
    public string NameOrId() => Kind == FleetItemKind.Key ? NameOfKey() : Id;

    /// <summary>The id for messages: <c>bot 'helper'</c>.</summary>
    public override string ToString() => $"{WireName.Of(Kind)} '{Id}'";
}

/// <summary>A thing of the fleet as text.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Version">The version of the fleet that changed it last.</param>
/// <param name="Json">The item as fleet files have it, as JSON. <see cref="IFleetDocuments.StoredSecret"/> is in the place of each secret.</param>
[GenerateSerializer, Immutable, Alias("fleet-item")]
public sealed record FleetItem(FleetItemId Id, long Version, string Json)
{
    /// <summary>Whether it was made, changed or released through the API. Otherwise it is as the fleet file declares it, and read-only.</summary>
    [Id(70)]
    public bool IsManaged { get; init; }

    /// <summary>Whether the fleet file declares it.</summary>
    [Id(71)]
    public bool IsInFile { get; init; }

    /// <summary>When it was last changed through the API; null if it was not.</summary>
    [Id(72)]
    public DateTimeOffset? ManagedAt { get; init; }

    /// <summary>Who did that.</summary>
    [Id(73)]
    public string? ManagedBy { get; init; }

    /// <summary>See <see cref="ApiKeyDefinition.Hint"/>.</summary>
    [Id(74)]
    public string? Hint { get; init; }

    /// <summary>Whether it is an admin key.</summary>
    [Id(75)]
    public bool IsAdminKey { get; init; }
}

/// <summary>A page of things of one kind, ordered by id.</summary>
/// <param name="Items">The things.</param>
/// <param name="Next">The id after which the next page begins; null if this is the last one.</param>
[GenerateSerializer, Immutable, Alias("fleet-item-page")]
public sealed record FleetItemPage(IReadOnlyList<FleetItem> Items, string? Next);

/// <summary>What a change does with a thing of the fleet.</summary>
[GenerateSerializer, Alias("fleet-edit-action")]
public enum FleetEditAction
{
    /// <summary>Makes or replaces it.</summary>
    Put,

    /// <summary>Changes the members that <see cref="FleetEdit.Json"/> has, as a JSON merge patch (RFC 7396).</summary>
    Patch,

    /// <summary>
    /// Deletes it. If the fleet file declares it, it is from now on as the file says. The keys of a deleted tenant are deleted, too.
    /// </summary>
    Delete,

    /// <summary>Lets the API change something that the fleet file declares. It stays as it is; the file does not change it any more.</summary>
    Release,

    /// <summary>
    /// Gives a key another secret. The one before stays valid for <see cref="FleetEdit.Overlap"/>. While an overlap runs, see
    /// <see cref="FleetEdit.ReplacesLost"/>.
    /// </summary>
    Rotate,
}

/// <summary>A change of one thing of the fleet.</summary>
/// <param name="Action">What happens to it.</param>
/// <param name="Item">The thing.</param>
/// <param name="By">Who asks for the change.</param>
[GenerateSerializer, Immutable, Alias("fleet-edit")]
public sealed record FleetEdit(FleetEditAction Action, FleetItemId Item, string By)
{
    /// <summary>The content for <see cref="FleetEditAction.Put"/> and <see cref="FleetEditAction.Patch"/>. It may contain secrets.</summary>
    [Id(70)]
    public string? Json { get; init; }

    /// <summary><see cref="Expected"/>: the thing must not exist.</summary>
    public const long New = 0;

    /// <summary><see cref="Expected"/>: the thing must exist, with any version.</summary>
    public const long AnyVersion = -1;

    /// <summary>The version that the thing must have, <see cref="New"/> or <see cref="AnyVersion"/>; null: whether it exists or not.</summary>
    [Id(71)]
    public long? Expected { get; init; }

    /// <summary>The secret of a new key, and for <see cref="FleetEditAction.Rotate"/>.</summary>
    [Id(72)]
    public StoredApiKey? Key { get; init; }

    /// <summary>See <see cref="FleetEditAction.Rotate"/>.</summary>
    [Id(73)]
    public TimeSpan Overlap { get; init; }

    /// <summary>
    /// Whether an owner asks for the change. Nobody else may make or change admin keys, or switch on <see cref="TenantDefinition.TelemetryContent"/>. Default
    /// false.
    /// </summary>
    [Id(74)]
    public bool IsByOwner { get; init; }

    /// <summary>Whether an account may be the user account of a person. Default false.</summary>
    [Id(75)]
    public bool AllowsUserAccounts { get; init; }

    /// <summary>
    /// For <see cref="FleetEditAction.Rotate"/> while an overlap runs: whether the newest secret is replaced, which nobody has received, and the one before
    /// stays valid until the overlap ends. Default false: such a rotation is refused, unless <see cref="Overlap"/> is zero.
    /// </summary>
    [Id(105)]
    public bool ReplacesLost { get; init; }

    /// <summary>The action and the thing, without the content.</summary>
    public override string ToString() => $"{Action} {Item}";
}

/// <summary>The result of a change.</summary>
/// <param name="Version">The version of the fleet that is in force.</param>
/// <param name="Item">The thing after the change; null if it was deleted.</param>
[GenerateSerializer, Immutable, Alias("fleet-edited")]
public sealed record FleetEdited(long Version, FleetItem? Item);

/// <summary>A document that replaces everything that is managed through the API.</summary>
/// <param name="Text">A fleet file in YAML or JSON. It may contain secrets.</param>
/// <param name="By">Who asks for the change.</param>
[GenerateSerializer, Immutable, Alias("fleet-document")]
public sealed record FleetDocument(string Text, string By)
{
    /// <summary>The version that the fleet must have; null: any.</summary>
    [Id(70)]
    public long? Expected { get; init; }

    /// <summary>Whether the differences are only calculated. Default false.</summary>
    [Id(71)]
    public bool IsDryRun { get; init; }

    /// <summary>The hash of the API key that sends the document: the key must still be that of an owner afterwards. Null: no key sends it.</summary>
    [Id(106)]
    public string? ByKey { get; init; }

    /// <summary>A constant text. It never shows the document.</summary>
    public override string ToString() => nameof(FleetDocument);
}

/// <summary>What a document changes.</summary>
/// <param name="Version">The version of the fleet that is in force.</param>
/// <param name="Differences">The things that differ, ordered by kind and id.</param>
[GenerateSerializer, Immutable, Alias("fleet-differences")]
public sealed record FleetDifferences(long Version, IReadOnlyList<FleetDifference> Differences);

/// <summary>What a document changes in one thing.</summary>
/// <param name="Item">The thing.</param>
/// <param name="Change">What happens to it.</param>
/// <param name="Fields">The members that differ, for <see cref="FleetDifferenceKind.Changed"/> and <see cref="FleetDifferenceKind.Refused"/>.</param>
[GenerateSerializer, Immutable, Alias("fleet-difference")]
public sealed record FleetDifference(FleetItemId Item, FleetDifferenceKind Change, IReadOnlyList<string> Fields);

/// <summary>What a document does with a thing.</summary>
[GenerateSerializer, Alias("fleet-difference-kind")]
public enum FleetDifferenceKind
{
    /// <summary>It is made.</summary>
    Created,

    /// <summary>It is replaced.</summary>
    Changed,

    /// <summary>It is deleted, or becomes what the fleet file says.</summary>
    Deleted,

    /// <summary>It would be changed, but comes from the fleet file and is not released. No document with such a thing is applied.</summary>
    Refused,
}
