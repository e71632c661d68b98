using System.Security.Cryptography;
using System.Text;
using CozeCluster.Migration.Writing;

namespace CozeCluster.Migration;

/// <summary>How a fleet file is written.</summary>
public sealed record FleetTextOptions
{
    /// <summary>Whether secrets are written to the fleet file itself. Default: no; the file refers to variables.</summary>
    public bool InlineSecrets { get; init; }

    /// <summary>Whether keys that are easy to guess, and requests without a key, are also accepted from other machines. Default: no.</summary>
    public bool AllowWeakKeys { get; init; }

    /// <summary>
    /// Whether a tenant without keys gets a random one, which clients can use later. Default: no; it gets a hash that no key has.
    /// </summary>
    public bool MakeKeys { get; init; }

    /// <summary>The name of the file with the variables, for a comment; null: none is written.</summary>
    public string? VariablesFile { get; init; }
}

/// <summary>A fleet as text.</summary>
/// <param name="Yaml">The fleet file.</param>
/// <param name="Variables">The secrets by the variables that hold them.</param>
/// <param name="MissingVariables">Variables that the old configuration does not contain. The operator sets them.</param>
public sealed record FleetText(string Yaml, IReadOnlyDictionary<string, string> Variables, IReadOnlyList<string> MissingVariables)
{
    // No known text has this hash.
    internal const string NoKey = "0000000000000000000000000000000000000000000000000000000000000000";

    /// <summary>Writes a fleet.</summary>
    public static FleetText Of(OldFleet fleet, FleetTextOptions? options = null)
    {
        options ??= new FleetTextOptions();
        if (options.MakeKeys)
        {
            foreach (var tenant in fleet.Tenants.Where(tenant => tenant.Keys.Count == 0))
            {
                var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
                tenant.Keys.Add(new OldOption("new", FleetValue.Secret($"NEW_KEY_{tenant.Id.Replace('-', '_').ToUpperInvariant()}", key), "random, for later"));
            }
        }
        return new FleetWriter(fleet, options).Write();
    }

    /// <summary>The variables as lines that a shell, or a container's environment file, can read.</summary>
    public string ToVariableLines()
    {
        var text = new StringBuilder();
        foreach (var (name, value) in Variables) text.Append(name).Append('=').Append(Quote(value)).Append('\n');
        foreach (var name in MissingVariables) text.Append("# ").Append(name).Append("=\n");
        return text.ToString();
    }

    /// <summary>The name of the type, without secrets.</summary>
    public override string ToString() => nameof(FleetText);

    private static string Quote(string value) => value.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:+=@,%".Contains(c))
        ? value
        : "'" + value.Replace("'", @"'\''", StringComparison.Ordinal) + "'";
}
