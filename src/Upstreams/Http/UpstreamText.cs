using System.Text.RegularExpressions;

namespace CozeCluster.Upstreams.Http;

/// <summary>Words of far sides made fit for clients and logs.</summary>
internal static partial class UpstreamText
{
    private const int MaxLength = 300;

    /// <summary>One line, no tokens, at most some 300 characters.</summary>
    /// <param name="text">What the far side said.</param>
    /// <param name="token">The token that was sent, which must not come back.</param>
    public static string Clean(string? text, string? token = null)
    {
        if (string.IsNullOrWhiteSpace(text)) return "";
        if (!string.IsNullOrEmpty(token)) text = text.Replace(token, "(token)", StringComparison.Ordinal);
        // Cut before matching: what is cut off needs no cleaning. The margin keeps a token at the edge whole enough to be seen as one.
        if (text.Length > 4 * MaxLength) text = text[..(4 * MaxLength)];
        text = Blanks().Replace(Token().Replace(text, "(token)"), " ").Trim();
        if (text.Length <= MaxLength) return text;
        var end = char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength;
        return text[..end] + "…";
    }

    // Coze's and OAuth's, and Discord's three parts: who, when, signature.
    [GeneratedRegex(@"\b(?:pat|czs|czu|sat|sk)_[\w\-]{4,}|\beyJ[\w\-]+(?:\.[\w\-]+)*|\bbearer\s+\S+|\b[\w\-]{23,28}\.[\w\-]{6,7}\.[\w\-]{27,}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    // Not all of category C: the halves of surrogate pairs are in it.
    [GeneratedRegex(@"[\s\p{Cc}\p{Cf}]+", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
