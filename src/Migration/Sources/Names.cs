namespace CozeCluster.Migration.Sources;

/// <summary>Makes ids of the fleet from names of old configurations.</summary>
internal static class Names
{
    private const int MaxId = 40;
    private const int MaxModel = 100;

    /// <summary>An id: 1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    /// <param name="prefix">What it begins with.</param>
    /// <param name="name">Any text.</param>
    /// <param name="taken">The ids that exist; the new one is added.</param>
    public static string Id(string prefix, string name, ISet<string> taken) => Unique(
        Clean(prefix + name.ToLowerInvariant(), c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'), MaxId, taken);

    /// <summary>The id of a model: 1 to 100 characters without spaces.</summary>
    public static string Model(string name, ISet<string> taken) =>
        Unique(Clean(name, c => !char.IsWhiteSpace(c) && !char.IsControl(c) && !char.IsSurrogate(c) && c != '*'), MaxModel, taken);

    private static string Clean(string text, Func<char, bool> isAllowed)
    {
        var clean = new string([.. text.Select(c => isAllowed(c) ? c : '-')]).Trim('-');
        return clean.Length > 0 ? clean : "x";
    }

    private static string Unique(string text, int maxLength, ISet<string> taken)
    {
        var id = text[..Math.Min(text.Length, maxLength)];
        for (var i = 2; !taken.Add(id); i++)
        {
            var end = $"-{i}";
            id = text[..Math.Min(text.Length, maxLength - end.Length)] + end;
        }
        return id;
    }
}
