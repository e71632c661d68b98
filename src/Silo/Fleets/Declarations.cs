namespace CozeCluster.Silo.Fleets;

// What the sections of a file declare, with the places that later checks point at. Where something was wrong, and has been reported,
// an empty text stands in its place: reading goes on, but a file with problems is never built.

/// <summary>A name of something declared elsewhere.</summary>
internal sealed record Reference(string Id, Field At);

internal sealed record DeclaredTenant(Field IdAt, TenantDefinition Definition, IReadOnlyList<DeclaredKey> Keys);

internal sealed record DeclaredKey(Field NameAt, Place SecretAt, ApiKeyDefinition Definition);

internal sealed record DeclaredListener(Field IdAt, Field TokenAt, FleetListener Listener);

internal sealed record DeclaredAccount(Field IdAt, Field TokenAt, Field OptionsAt, FleetAccount Account);

internal sealed record DeclaredBot(Field IdAt, BotDefinition Definition, IReadOnlyList<Reference> Accounts, IReadOnlyList<Reference> Listeners);

internal sealed record DeclaredModel(Field IdAt, ModelDefinition Definition, IReadOnlyList<Reference> Bots, IReadOnlyList<Reference> Tenants);

/// <summary>All that a file declares.</summary>
internal sealed record Declared(
    IReadOnlyList<DeclaredTenant> Tenants,
    IReadOnlyList<DeclaredListener> Listeners,
    IReadOnlyList<DeclaredAccount> Accounts,
    IReadOnlyList<DeclaredBot> Bots,
    IReadOnlyList<DeclaredModel> Models)
{
    /// <summary>Whether accounts may be those of persons.</summary>
    public required Field AllowUserAccounts { get; init; }
}
