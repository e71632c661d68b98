namespace CozeCluster.Silo.Fleets;

/// <summary>One mistake in a fleet file.</summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">Counted from 1.</param>
/// <param name="Path">Where in the fleet (<c>bots[2].accounts[0]</c>); empty for the file as a whole.</param>
/// <param name="Message">What was expected, and what to do. Never the value of a secret.</param>
internal sealed record FleetProblem(int Line, int Column, string Path, string Message)
{
    public FleetProblem(Place at, string message) : this(at.Line, at.Column, at.Path, message)
    {
    }

    public override string ToString() => Path.Length == 0 ? $"{Line}:{Column}: {Message}" : $"{Line}:{Column}: {Path}: {Message}";
}

/// <summary>A place in a fleet file.</summary>
internal readonly record struct Place(int Line, int Column, string Path)
{
    public static Place Start { get; } = new(1, 1, "");
}
