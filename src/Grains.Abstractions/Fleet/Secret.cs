using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>A sealed secret. Messages and state contain secrets only in this form; <see cref="ISecretSeal"/> opens them where they are used.</summary>
/// <param name="Sealed">The sealed bytes in Base64.</param>
[GenerateSerializer, Immutable, Alias("secret")]
public sealed record Secret([property: JsonInclude] string Sealed)
{
    /// <summary>A constant text. It never shows the secret.</summary>
    public override string ToString() => "(secret)";
}

/// <summary>Seals secrets for messages and state, and opens them where they are used. All nodes of a cluster share its key. Thread-safe.</summary>
public interface ISecretSeal
{
    /// <summary>Seals a secret. The result differs from call to call.</summary>
    Secret Seal(string plain);

    /// <summary>Opens a secret.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the secret was sealed with another key.</exception>
    string Open(Secret secret);
}
