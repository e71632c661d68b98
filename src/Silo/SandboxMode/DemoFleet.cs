using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>The fleet of sandbox mode: everything it needs is fixed and public.</summary>
internal static class DemoFleet
{
    /// <summary>The model to try first: several bots, several accounts.</summary>
    public const string Model = DemoCoze.Model;

    /// <summary>What each model is there to show.</summary>
    public static IReadOnlyList<(string Model, string Shows)> Models { get; } = [.. DemoCoze.Models, .. DemoDiscord.Models];

    /// <summary>The fleet over the fakes at an address.</summary>
    public static FleetFile Over(Uri sandbox) => new(
        [
            new TenantDefinition
            {
                Id = "sandbox",
                Keys =
                [
                    new ApiKeyDefinition("demo", GrainKeys.ApiKeyHash(SandboxKeys.Tenant), Admin: false),
                    new ApiKeyDefinition("demo-admin", GrainKeys.ApiKeyHash(SandboxKeys.Admin), Admin: true),
                ],
            },
        ],
        [.. DemoCoze.Accounts(new Uri(sandbox, "coze")), .. DemoDiscord.Accounts(new Uri(sandbox, DemoDiscord.ApiPath))],
        [.. DemoCoze.Bots, .. DemoDiscord.Bots],
        [.. DemoCoze.Pools, .. DemoDiscord.Pools])
    {
        Listeners = [.. DemoDiscord.Listeners(new Uri(sandbox, DemoDiscord.ApiPath))],
    };
}
