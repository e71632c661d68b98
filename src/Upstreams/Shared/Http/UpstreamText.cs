using System.Text.RegularExpressions;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>Makes texts that upstreams sent safe for clients and logs.</summary>
internal static partial class UpstreamText
{
    private const int MaxLength = 300;

    /// <summary>Turns a text into one line without tokens and of at most 300 characters and an ellipsis.</summary>
    /// <param name="text">The text that the upstream sent.</param>
    /// <param name="token">The token that the request carried. It is removed if the upstream repeats it.</param>
    public static string Clean(string? text, string? token = null)
    {
        if (string.IsNullOrWhiteSpace(text)) return "";
        if (!string.IsNullOrEmpty(token)) text = text.Replace(token, "(token)", StringComparison.Ordinal);
        // Cut first, so that the regular expressions never run over a huge text. The margin ensures that a token at the limit is still recognised.
        if (text.Length > 4 * MaxLength) text = text[..(4 * MaxLength)];
        text = Blanks().Replace(Token().Replace(text, "(token)"), " ").Trim();
        if (text.Length <= MaxLength) return text;
        var end = char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength;
        return text[..end] + "…";
    }

    // The formats of Coze's and OAuth tokens, and Discord's tokens of three parts (user, time, signature).
    [GeneratedRegex(@"\b(?:pat|czs|czu|sat|sk)_[\w\-]{4,}|\beyJ[\w\-]+(?:\.[\w\-]+)*|\bbearer\s+\S+|\b[\w\-]{23,28}\.[\w\-]{6,7}\.[\w\-]{27,}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    // Not the whole category C: it includes the halves of surrogate pairs.
    [GeneratedRegex(@"[\s\p{Cc}\p{Cf}]+", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
