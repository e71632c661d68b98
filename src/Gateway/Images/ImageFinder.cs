using System.Text.RegularExpressions;

namespace CozeCluster.Gateway.Images;

/// <summary>Finds the images in what a bot said.</summary>
internal static partial class ImageFinder
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp"];

    // Coze shortens the addresses of what its plugins draw, and bots link to them instead of showing them.
    private static readonly string[] ShortLinkHosts = ["s.coze.com", "s.coze.cn"];

    /// <summary>
    /// Images in Markdown; where there are none, links and bare addresses that look like an image's. Each once, in their order.
    /// </summary>
    /// <param name="text">What the bot said; images outside its text stand in it as Markdown.</param>
    /// <returns>Their addresses, and what is left of the text; null if nothing is.</returns>
    public static (IReadOnlyList<string> Urls, string? Remaining) Find(string text)
    {
        var urls = new List<string>();
        var rest = Image().Replace(text, match => Take(match, urls));
        // What shows an image may link to it and tell its address besides.
        bool IsOne(string url, int known) => known > 0 ? urls.Contains(url) : IsImage(url);
        var shown = urls.Count;
        rest = Link().Replace(rest, match => IsOne(match.Groups["url"].Value, shown) ? Take(match, urls) : match.Value);
        var linked = urls.Count;
        rest = Address().Replace(rest, match =>
        {
            var url = match.Value.TrimEnd('.', ',', ';', ':', '!', '?');
            return IsOne(url, linked) ? Take(url, urls) + match.Value[url.Length..] : match.Value;
        });
        rest = Blank().Replace(EmptyLink().Replace(rest, ""), "\n\n").Trim();
        return (urls, rest.Length > 0 ? rest : null);
    }

    private static string Take(Match match, List<string> urls) => Take(match.Groups["url"].Value, urls);

    private static string Take(string url, List<string> urls)
    {
        if (!urls.Contains(url)) urls.Add(url);
        return "";
    }

    private static bool IsImage(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address)
        && (Extensions.Any(extension => address.AbsolutePath.EndsWith(extension, StringComparison.OrdinalIgnoreCase)) || ShortLinkHosts.Contains(address.Host));

    [GeneratedRegex("""!\[[^\]\n]{0,500}\]\(\s{0,9}<?(?<url>(?:https?://|data:image/)[^\s)>]+)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)""", RegexOptions.CultureInvariant)]
    private static partial Regex Image();

    [GeneratedRegex("""\[[^\]\n]{0,500}\]\(\s{0,9}<?(?<url>https?://[^\s)>]+)>?(?:\s{1,9}"[^"\n]{0,500}")?\s{0,9}\)""", RegexOptions.CultureInvariant)]
    private static partial Regex Link();

    [GeneratedRegex("""https?://[^\s<>()\[\]"']+""", RegexOptions.CultureInvariant)]
    private static partial Regex Address();

    // What is left of an image that was a link.
    [GeneratedRegex("""\[\s*\]\([^)\n]{0,2000}\)""", RegexOptions.CultureInvariant)]
    private static partial Regex EmptyLink();

    [GeneratedRegex("""\n\s*\n\s*""", RegexOptions.CultureInvariant)]
    private static partial Regex Blank();
}
