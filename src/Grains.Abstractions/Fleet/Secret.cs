using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// A sealed secret. Messages and state contain secrets only in this form; <see cref="ISecretSeal"/> opens them where they are used. Two seals of one secret
/// are equal if they have fingerprints.
/// </summary>
/// <param name="Sealed">The sealed bytes in Base64.</param>
[GenerateSerializer, Immutable, Alias("secret")]
public sealed record Secret([property: JsonInclude] string Sealed)
{
    /// <summary>
    /// A hash of the secret under a key of the seal: the same for the same secret, and of no help to guess it without that key. Null: the seal makes none, and
    /// the sealed bytes are compared.
    /// </summary>
    [Id(0)]
    public string? Fingerprint { get; init; }

    private string Identity => Fingerprint ?? Sealed;

    /// <summary>Whether both are seals of the same secret.</summary>
    public bool Equals(Secret? other) => other is not null && string.Equals(Identity, other.Identity, StringComparison.Ordinal);

    /// <inheritdoc />
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(Identity);

    /// <summary>A constant text. It never shows the secret.</summary>
    public override string ToString() => "(secret)";
}

/// <summary>Which key seals the secrets of a fleet, since it was replaced for the first time.</summary>
/// <param name="KeyId">The id of the key. It reveals nothing of it.</param>
/// <param name="Fingerprints">
/// The key of the fingerprints, sealed with that key. It is the one from before the first replacement, so that fingerprints stay comparable.
/// </param>
[GenerateSerializer, Immutable, Alias("seal-key")]
public sealed record SealKey(string KeyId, Secret Fingerprints);

/// <summary>Seals secrets for messages and state, and opens them where they are used. All nodes of a cluster share its key. Thread-safe.</summary>
public interface ISecretSeal
{
    /// <summary>Seals a secret. The sealed bytes differ from call to call; the fingerprint does not.</summary>
    Secret Seal(string plain);

    /// <summary>Opens a secret.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the secret was sealed with another key.</exception>
    string Open(Secret secret);
}

/// <summary>Removes secrets from texts of clients and upstreams, before others than their tenant receive them. Thread-safe.</summary>
public interface ISecretFilter
{
    /// <summary>
    /// Replaces the secrets that this process sends to upstreams, and everything that looks like a token or an API key; while the credential of a request is
    /// used (<see cref="IRequestCredentials.Use"/>), that one too. The text must be short: it is searched once for each secret.
    /// </summary>
    string Remove(string text);
}
