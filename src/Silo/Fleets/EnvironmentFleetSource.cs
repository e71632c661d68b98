using System.Security.Cryptography;
using System.Text;
using CozeCluster.Migration;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// The environment of an older system as a fleet. The fleet file that <c>migrate</c> would write is made in memory and read as one: secrets stay outside of its
/// text. Weak keys are accepted, because the operator runs the configuration as it was; the node warns of them.
/// </summary>
/// <param name="environment">The environment.</param>
/// <param name="ports">The ports that the node listens on, on each of which the old system's API answers; 0: any free port.</param>
internal sealed class EnvironmentFleetSource(OldEnvironment environment, IReadOnlyList<int> ports) : IFleetSource
{
    public string Name { get; } = $"the environment of {environment.System.NameOf()}";

    /// <summary>The folder of the first file that exists.</summary>
    public string? Folder => Path.GetDirectoryName(
        Migrator.FilesOf(environment.System, environment.Variables, environment.Folder).FirstOrDefault(File.Exists));

    /// <summary>What an operator should know.</summary>
    public IReadOnlyList<MigrationNote> Notes => TryMake(out var fleet, out _) ? fleet!.Notes : [];

    /// <summary>One line that says where the fleet comes from.</summary>
    public string Describe()
    {
        var files = TryMake(out var fleet, out _) && fleet!.Files.Count > 0 ? $" and {string.Join(", ", fleet.Files)}" : "";
        return $"No fleet file: the fleet is made from {Name}{files}. To prevent this, set {Settings.FromEnv.Variable}=false";
    }

    public FleetSnapshot Read()
    {
        var (text, problems) = Write();
        if (text is null) return new(new(null, problems, new Dictionary<string, string>()), Digest(text, problems));
        var result = new FleetReader(new EnvironmentValues(text.Variables.GetValueOrDefault)).Read(text.Yaml, environment.Folder);
        return new FleetSnapshot(result, Digest(text, problems));
    }

    public bool IsUnchangedSince(FleetSnapshot snapshot)
    {
        var (text, problems) = Write();
        return snapshot.Digest == Digest(text, problems);
    }

    // Problems of the old configuration name their places themselves.
    public string Describe(FleetProblem problem) => problem.Line == 0 ? problem.Message : $"The fleet made from {Name}:{problem}";

    private (FleetText? Text, IReadOnlyList<FleetProblem> Problems) Write() =>
        TryMake(out var fleet, out var problems) ? (FleetText.Of(fleet!, new FleetTextOptions { AllowWeakKeys = true }), []) : (null, problems);

    private bool TryMake(out OldFleet? fleet, out IReadOnlyList<FleetProblem> problems)
    {
        (fleet, problems) = (null, []);
        try
        {
            fleet = Migrator.ReadEnvironment(environment.Variables, environment.Folder)
                ?? throw new MigrationException($"{Name}: The file with the bots is gone.");
        }
        catch (MigrationException e)
        {
            problems = [.. e.Lines.Select(line => new FleetProblem(0, 0, "", line))];
            return false;
        }
        if (environment.DiscordUrl is { } discord) UseDiscord(fleet, discord);
        var endpoint = fleet.Endpoints[0];
        fleet.Endpoints.Clear();
        foreach (var port in ports)
        {
            var id = ports.Count == 1 ? endpoint.Id : $"{endpoint.Id}-{port}";
            fleet.Endpoints.Add(endpoint with { Id = id, Port = port == 0 ? null : port, From = "this node" });
        }
        return true;
    }

    private static void UseDiscord(OldFleet fleet, string url)
    {
        for (var i = 0; i < fleet.Listeners.Count; i++) fleet.Listeners[i] = fleet.Listeners[i] with { BaseUrl = url };
        for (var i = 0; i < fleet.Accounts.Count; i++)
        {
            if (fleet.Accounts[i].Upstream == "discord") fleet.Accounts[i] = fleet.Accounts[i] with { BaseUrl = url };
        }
    }

    private static string Digest(FleetText? text, IReadOnlyList<FleetProblem> problems)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var problem in problems) hash.AppendData(Encoding.UTF8.GetBytes(problem.Message + "\n"));
        if (text is not null) hash.AppendData(Encoding.UTF8.GetBytes(text.Yaml));
        foreach (var (name, value) in text?.Variables ?? new Dictionary<string, string>()) hash.AppendData(Encoding.UTF8.GetBytes($"{name}\0{value}\0"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
