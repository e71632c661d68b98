namespace CozeCluster.Silo.Hosting;

/// <summary>Explains to operators why a node does not start. The process ends with <see cref="ExitCodes.Usage"/>.</summary>
/// <param name="lines">The problems, one on each line.</param>
internal sealed class StartException(params IReadOnlyList<string> lines) : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>The problems, one on each line.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}

/// <summary>The exit codes of the process.</summary>
internal static class ExitCodes
{
    /// <summary>The command succeeded, or the node was stopped.</summary>
    public const int Success = 0;

    /// <summary>The node could not start, or failed while it ran. Or an upstream would refuse what the checked fleet sends to it.</summary>
    public const int Failure = 1;

    /// <summary>The command line, a setting or the fleet file is not valid.</summary>
    public const int Usage = 2;

    /// <summary>A second signal stopped the node at once.</summary>
    public const int Interrupted = 130;
}
