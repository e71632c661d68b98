namespace CozeCluster;

/// <summary>Seals secrets for messages and state, and opens them where they are used. All nodes of a cluster share its key. Thread-safe.</summary>
public interface ISecretSeal
{
    /// <summary>Seals a secret. Sealing the same text twice gives different seals.</summary>
    Secret Seal(string plain);

    /// <summary>Opens a secret.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: it was sealed with another key.</exception>
    string Open(Secret secret);
}
