namespace CozeCluster.Migration;

/// <summary>An old configuration cannot be read. Holds every problem that was found, and no secret.</summary>
/// <param name="lines">The problems, one on each line, each with its file and its line where it has one.</param>
public sealed class MigrationException(params IReadOnlyList<string> lines) : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>The problems, one on each line.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}

/// <summary>Something that an operator should know about a migrated configuration.</summary>
/// <param name="Text">A sentence or two. Holds no secret.</param>
/// <param name="IsImportant">Whether something does not work, or works less safely, until the operator acts.</param>
public sealed record MigrationNote(string Text, bool IsImportant = false);
