namespace CozeCluster.Grains;

/// <summary>How the ledger is divided.</summary>
public sealed record LedgerOptions
{
    /// <summary>The shards of a tenant's ledger, 1 to 64; the same on all silos. Default 4.</summary>
    public int Shards { get; init; } = 4;
}
