namespace CozeCluster.Migration.Sources;

/// <summary>What one old configuration consists of.</summary>
/// <param name="Variables">Environment variables, from files or of the process; a mapping, perhaps empty.</param>
/// <param name="Document">The configuration file; null: there is none.</param>
internal sealed record OldInputs(SourceNode Variables, SourceNode? Document)
{
    /// <summary>Whether <see cref="Variables"/> has those of other programs too.</summary>
    public bool IsProcess { get; init; }

    /// <summary>Files with names of conversations, which cannot be read.</summary>
    public IReadOnlyList<string> ConversationFiles { get; init; } = [];
}
