using System.Collections.Frozen;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>The fleet of sandbox mode. All its keys and tokens are fixed and public.</summary>
internal static class DemoFleet
{
    /// <summary>The model that the greeting suggests; it has several bots and accounts.</summary>
    public const string Model = DemoCoze.Model;

    /// <summary>The models, each with what it demonstrates.</summary>
    public static IReadOnlyList<(string Model, string Description)> Models { get; } = [.. DemoCoze.Models, .. DemoDiscord.Models, .. DemoModels.Models];

    /// <summary>The fleet that uses the fake upstreams at a URL.</summary>
    public static FleetFile For(Uri sandbox)
    {
        var coze = new Uri(sandbox, "coze");
        var discord = new Uri(sandbox, DemoDiscord.ApiPath);
        return new FleetFile(
            [Tenant],
            [.. DemoCoze.Accounts(coze), .. DemoDiscord.Accounts(discord), .. DemoModels.Accounts(sandbox)],
            [.. DemoCoze.Bots, .. DemoDiscord.Bots, .. DemoModels.Bots],
            [.. DemoCoze.Pools, .. DemoDiscord.Pools, .. DemoModels.Pools])
        {
            Listeners = [.. DemoDiscord.Listeners(discord)],
        };
    }

    private static TenantDefinition Tenant => new()
    {
        Id = "sandbox",
        Keys =
        [
            new ApiKeyDefinition("demo", GrainKeys.ApiKeyHash(SandboxKeys.Tenant), Admin: false),
            new ApiKeyDefinition("demo-admin", GrainKeys.ApiKeyHash(SandboxKeys.Admin), Admin: true),
        ],
    };
}

/// <summary>The API keys of sandbox mode. They are public, so fleet files must not use them.</summary>
internal static class SandboxKeys
{
    /// <summary>What all keys of this kind begin with.</summary>
    public const string Prefix = "sk-sandbox";

    public const string Tenant = "sk-sandbox";

    public const string Admin = "sk-sandbox-admin";

    public static FrozenSet<string> Hashes { get; } = FrozenSet.Create(GrainKeys.ApiKeyHash(Tenant), GrainKeys.ApiKeyHash(Admin));
}
