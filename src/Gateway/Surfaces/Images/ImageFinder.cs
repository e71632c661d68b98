using System.Text.RegularExpressions;

namespace CozeCluster.Gateway.Surfaces.Images;

/// <summary>Finds the images in the text of a bot's reply.</summary>
internal static partial class ImageFinder
{
    private static readonly char[] Punctuation = ['.', ',', ';', ':', '!', '?', '*', '`', '|'];

    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp"];

    // Coze shortens the URLs of images that its plugins draw, and bots often link to these images instead of showing them.
    private static readonly string[] ShortLinkHosts = ["s.coze.com", "s.coze.cn"];

    // Image servers of Coze name the processing behind the file: cat.png~tplv-a9rns2rl98-image.image?rk3s=…
    private const string ProcessingMark = "~tplv-";
    private const string ProcessedExtension = ".image";

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
            var url = FindEnd(match.Value, candidate => IsImage(candidate, linked));
            return url is not null ? Collect(url, urls) + match.Value[url.Length..] : match.Value;
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

    // Text may follow an address without a space: punctuation, and in Chinese any character.
    private static string? FindEnd(string match, Func<string, bool> isImage)
    {
        var url = match.TrimEnd(Punctuation);
        var query = url.IndexOf('?', StringComparison.Ordinal);
        var foreign = url.AsSpan().IndexOfAnyExceptInRange('!', '~');
        // A path may have characters of any language, but a query is encoded by whoever signs it.
        if ((query < 0 || foreign < query) && isImage(url)) return url;
        if (foreign < 0) return isImage(url) ? url : null;
        url = url[..foreign].TrimEnd(Punctuation);
        return isImage(url) ? url : null;
    }

    private static bool LooksLikeImage(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (ShortLinkHosts.Contains(uri.Host)
            || uri.AbsolutePath.Contains(ProcessingMark, StringComparison.OrdinalIgnoreCase)
            || uri.AbsolutePath.EndsWith(ProcessedExtension, StringComparison.OrdinalIgnoreCase)
            || Extensions.Any(extension => uri.AbsolutePath.EndsWith(extension, StringComparison.OrdinalIgnoreCase)));

    [GeneratedRegex(
        """!\[[^\]\n]{0,500}\]\(\s{0,9}<?(?<url>(?:https?://|data:image/)(?:[^\s()<>]|\([^\s()<>]{0,200}\))+)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)""",
        RegexOptions.CultureInvariant)]
    private static partial Regex MarkdownImage();

    [GeneratedRegex(
        """\[[^\]\n]{0,500}\]\(\s{0,9}<?(?<url>https?://(?:[^\s()<>]|\([^\s()<>]{0,200}\))+)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)""",
        RegexOptions.CultureInvariant)]
    private static partial Regex MarkdownLink();

    // Ends at Chinese punctuation. Parentheses belong to it in pairs.
    [GeneratedRegex(
        """https?://(?:[^\s<>()\[\]"'，。、；：！？（）【】《》「」『』“”‘’…]|\([^\s<>()\[\]"']{0,200}\))+""", RegexOptions.CultureInvariant)]
    private static partial Regex PlainUrl();

    // A link whose text was an image that is removed.
    [GeneratedRegex("""\[\s*\]\([^)\n]{0,2000}\)""", RegexOptions.CultureInvariant)]
    private static partial Regex EmptyLink();

    [GeneratedRegex("""\n\s*\n\s*""", RegexOptions.CultureInvariant)]
    private static partial Regex BlankLines();
}
