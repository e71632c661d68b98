using System.Collections.Frozen;

namespace CozeCluster.Silo.Fleets;

/// <summary>The API keys of sandbox mode. Everybody knows them, so they open nothing else.</summary>
internal static class SandboxKeys
{
    public const string Prefix = "sk-sandbox";
    public const string Tenant = "sk-sandbox";
    public const string Admin = "sk-sandbox-admin";

    /// <summary>What a message says about them in a fleet file.</summary>
    public const string Refusal = "Keys that begin with 'sk-sandbox' belong to sandbox mode and are refused here; choose a secret one.";

    public static FrozenSet<string> Hashes { get; } = FrozenSet.Create(GrainKeys.ApiKeyHash(Tenant), GrainKeys.ApiKeyHash(Admin));
}
