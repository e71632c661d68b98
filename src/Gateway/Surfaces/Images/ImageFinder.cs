using System.Text.RegularExpressions;

namespace CozeCluster.Gateway.Surfaces.Images;

/// <summary>Finds the images in the text of a bot's reply.</summary>
internal static partial class ImageFinder
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp"];

    // Coze shortens the URLs of images that its plugins draw, and bots often link to these images instead of showing them.
    private static readonly string[] ShortLinkHosts = ["s.coze.com", "s.coze.cn"];

    /// <summary>
    /// Finds Markdown images. If there are none, finds links whose URL looks like that of an image, and if there are none of these either, such URLs in the
    /// text. Each image is found once.
    /// </summary>
    /// <param name="text">The text of the reply. Images outside the bot's own text are in it as Markdown.</param>
    /// <returns>The URLs in their order, and the rest of the text; null if nothing is left.</returns>
    public static (IReadOnlyList<string> Urls, string? Remaining) Find(string text)
    {
        var urls = new List<string>();
        var rest = MarkdownImage().Replace(text, match => Collect(match, urls));
        // A bot that shows an image may also link to the same image and write its URL. Then these are removed, and other links stay.
        bool IsImage(string url, int known) => known > 0 ? urls.Contains(url) : LooksLikeImage(url);
        var shown = urls.Count;
        rest = MarkdownLink().Replace(rest, match => IsImage(match.Groups["url"].Value, shown) ? Collect(match, urls) : match.Value);
        var linked = urls.Count;
        rest = PlainUrl().Replace(rest, match =>
        {
            var url = match.Value.TrimEnd('.', ',', ';', ':', '!', '?');
            return IsImage(url, linked) ? Collect(url, urls) + match.Value[url.Length..] : match.Value;
        });
        rest = BlankLines().Replace(EmptyLink().Replace(rest, ""), "\n\n").Trim();
        return (urls, rest.Length > 0 ? rest : null);
    }

    private static string Collect(Match match, List<string> urls) => Collect(match.Groups["url"].Value, urls);

    /// <returns>The text that replaces the image.</returns>
    private static string Collect(string url, List<string> urls)
    {
        if (!urls.Contains(url)) urls.Add(url);
        return "";
    }

    private static bool LooksLikeImage(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (Extensions.Any(extension => uri.AbsolutePath.EndsWith(extension, StringComparison.OrdinalIgnoreCase)) || ShortLinkHosts.Contains(uri.Host));

    [GeneratedRegex(
        """!\[[^\]\n]{0,500}\]\(\s{0,9}<?(?<url>(?:https?://|data:image/)[^\s)>]+)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)""",
        RegexOptions.CultureInvariant)]
    private static partial Regex MarkdownImage();

    [GeneratedRegex("""\[[^\]\n]{0,500}\]\(\s{0,9}<?(?<url>https?://[^\s)>]+)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)""", RegexOptions.CultureInvariant)]
    private static partial Regex MarkdownLink();

    [GeneratedRegex("""https?://[^\s<>()\[\]"']+""", RegexOptions.CultureInvariant)]
    private static partial Regex PlainUrl();

    // A link whose text was an image that is removed.
    [GeneratedRegex("""\[\s*\]\([^)\n]{0,2000}\)""", RegexOptions.CultureInvariant)]
    private static partial Regex EmptyLink();

    [GeneratedRegex("""\n\s*\n\s*""", RegexOptions.CultureInvariant)]
    private static partial Regex BlankLines();
}
