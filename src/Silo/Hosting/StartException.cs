namespace CozeCluster.Silo.Hosting;

/// <summary>Why a node does not start, in words for the person who starts it. Ends the process with <see cref="ExitCodes.Usage"/>.</summary>
/// <param name="lines">What is wrong, one line each.</param>
internal sealed class StartException(params IReadOnlyList<string> lines) : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>What is wrong, one line each.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}
