using System.Text.RegularExpressions;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>
/// Makes texts that upstreams sent safe for clients and logs. Every such text passes here before it becomes part of an error, a log line or a handle.
/// </summary>
internal static partial class UpstreamText
{
    private const int MaxLength = 300;
    private const int MaxSearched = 16 * MaxLength;

    /// <summary>
    /// Turns a text into one line of at most 300 characters and an ellipsis, without the <see cref="SecretsInUse"/> and without anything that looks like a
    /// token.
    /// </summary>
    /// <param name="text">The text that the upstream sent.</param>
    /// <param name="token">One more secret to remove.</param>
    public static string Clean(string? text, string? token = null)
    {
        if (string.IsNullOrWhiteSpace(text)) return "";
        // Cut first, so that no search runs over a huge text. The margin ensures that a secret at the limit is still recognised.
        if (text.Length > MaxSearched) text = text[..MaxSearched];
        if (!string.IsNullOrEmpty(token)) text = SecretsInUse.Remove(text, token);
        text = SecretsInUse.Remove(text);
        text = Blanks().Replace(Token().Replace(text, SecretsInUse.Substitute), " ").Trim();
        if (text.Length <= MaxLength) return text;
        var end = char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength;
        return text[..end] + "…";
    }

    /// <summary>
    /// Removes the <see cref="SecretsInUse"/> and everything that looks like a token from a text whose form must stay, such as JSON. The text must be short.
    /// </summary>
    public static string RemoveSecrets(string text) => Token().Replace(SecretsInUse.Remove(text), SecretsInUse.Substitute);

    // The formats of Coze's and OAuth tokens, keys of models' servers (sk-proj-…, sk-ant-…, xai-…, gsk_…), which often name them with asterisks in the middle,
    // Google's keys and tokens, Discord's tokens of three parts (user, time, signature), and our own API keys. Chinese puts no space before them.
    [GeneratedRegex(@"(?<![A-Za-z0-9_])(?:(?:pat|czs|czu|sat|sk|ccl)_[\w\-]{4,}|(?:sk|xai|pplx|gsk|nvapi|hf)[\-_][\w\-*.]{8,}|AIza[\w\-*.]{8,}"
        + @"|(?:ya29|AQ)\.[\w\-*.]{8,}|eyJ[\w\-]+(?:\.[\w\-]+)*|bearer\s+\S+|[\w\-]{23,28}\.[\w\-]{6,7}\.[\w\-]{27,})",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    // Not the whole category C: it includes the halves of surrogate pairs.
    [GeneratedRegex(@"[\s\p{Cc}\p{Cf}]+", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
