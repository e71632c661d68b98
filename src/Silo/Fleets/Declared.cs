namespace CozeCluster.Silo.Fleets;

// What the sections of a file declare, with the fields where later checks report problems. An invalid value has been reported and is an empty text here:
// reading continues to find more problems, but no fleet is made of a file with problems.

/// <summary>The id of something that is declared elsewhere in the file.</summary>
internal sealed record Reference(string Id, FleetField At);

internal sealed record DeclaredTenant(FleetField IdAt, TenantDefinition Definition, IReadOnlyList<DeclaredKey> Keys, DeclaredModelNames ModelNames);

/// <param name="Aliases">The field of each name, and the model that it names.</param>
/// <param name="Default">The default model; null: none.</param>
internal sealed record DeclaredModelNames(IReadOnlyList<(ModelAlias Alias, FleetField At)> Aliases, Reference? Default);

// Options: the field of each option.
internal sealed record DeclaredEndpoint(
    FleetField IdAt, FleetField AnonymousAt, EndpointDefinition Definition, IReadOnlyList<(string Name, FleetField At)> Options);

internal sealed record DeclaredKey(FleetField NameAt, Place SecretAt, ApiKeyDefinition Definition, bool IsWeak, IReadOnlyList<Reference> Models);

internal sealed record DeclaredListener(FleetField IdAt, FleetField TokenAt, FleetListener Listener);

internal sealed record DeclaredAccount(FleetField IdAt, FleetField TokenAt, FleetField OptionsAt, FleetAccount Account);

internal sealed record DeclaredBot(FleetField IdAt, BotDefinition Definition, IReadOnlyList<Reference> Accounts, IReadOnlyList<Reference> Listeners);

internal sealed record DeclaredModel(FleetField IdAt, ModelDefinition Definition, IReadOnlyList<Reference> Bots, IReadOnlyList<Reference> Tenants);

/// <summary>Everything that a file declares.</summary>
internal sealed record Declared(
    IReadOnlyList<DeclaredTenant> Tenants,
    IReadOnlyList<DeclaredListener> Listeners,
    IReadOnlyList<DeclaredAccount> Accounts,
    IReadOnlyList<DeclaredBot> Bots,
    IReadOnlyList<DeclaredModel> Models)
{
    /// <summary>Addresses that answer as older systems do.</summary>
    public required IReadOnlyList<DeclaredEndpoint> Endpoints { get; init; }

    /// <summary>Whether accounts may be user accounts of people, instead of bots.</summary>
    public required FleetField AllowUserAccounts { get; init; }

    /// <summary>Whether keys that are easy to guess are accepted, although other machines can send them.</summary>
    public required FleetField AllowWeakKeys { get; init; }
}
