using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Fleets;

/// <summary>Says what is wrong with a fleet file, before anything is started or instead of it.</summary>
internal static class FleetCheck
{
    /// <summary>The command <c>check</c>.</summary>
    /// <exception cref="StartException">There is no fleet file, or it is wrong.</exception>
    public static int Run(NodeSettings settings, TextWriter output)
    {
        var fleet = Demand(settings) ?? throw new StartException($"The sandbox has no fleet file to check; leave {Settings.Sandbox.Option} out.");
        output.WriteLine(
            $"{settings.Fleet} is sound: {fleet.Tenants.Count} tenants with {fleet.Tenants.Sum(tenant => tenant.Keys.Count)} keys, "
            + $"{(fleet.Listeners.Count > 0 ? $"{fleet.Listeners.Count} listeners, " : "")}{fleet.Accounts.Count} accounts, {fleet.Bots.Count} bots, {fleet.Models.Count} models.");
        foreach (var warning in fleet.Warnings) output.WriteLine($"Warning: {warning}");
        return ExitCodes.Success;
    }

    /// <summary>The fleet; null in sandbox mode, which has no file.</summary>
    /// <exception cref="StartException">The file is wrong.</exception>
    public static FleetFile? Demand(NodeSettings settings) =>
        settings.Fleet is { } path ? new FleetFileSource(path, EnvironmentValues.Process).LookStrictly().Result.File : null;
}
