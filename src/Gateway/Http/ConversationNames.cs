namespace CozeCluster.Gateway.Http;

/// <summary>The names clients give conversations: 1 to 256 characters, none of them a control character.</summary>
internal static class ConversationNames
{
    private const int MaxLength = 256;

    /// <returns>The name.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>.</exception>
    public static string Check(string name, string param)
    {
        if (name.Length is 0 or > MaxLength)
            throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': expected 1 to {MaxLength} characters, but got {name.Length}.", param);
        foreach (var character in name)
        {
            if (char.IsControl(character)) throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{param}': it holds a control character.", param);
        }
        return name;
    }

    /// <summary>Whether a name can stand in a header.</summary>
    public static bool FitsHeader(string name) => !name.AsSpan().ContainsAnyExceptInRange('!', '~');
}
