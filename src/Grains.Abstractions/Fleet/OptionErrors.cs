namespace CozeCluster;

/// <summary>Reports invalid options of a bot or an account.</summary>
public static class OptionErrors
{
    /// <summary>Creates the exception that names all invalid options.</summary>
    /// <param name="owner">Whose options they are: <c>Bot 'b1'</c>.</param>
    /// <param name="errors">What was expected, by the name of each invalid option.</param>
    /// <returns>An exception with <see cref="ErrorCode.UpstreamFailed"/>: the operator is at fault, not the client.</returns>
    public static ClusterException ToException(string owner, IReadOnlyDictionary<string, string> errors) => new(
        ErrorCode.UpstreamFailed,
        $"{owner} has invalid options: {string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value}"))}. Correct them in the fleet file.");
}
