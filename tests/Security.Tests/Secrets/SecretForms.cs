using System.Net;
using System.Text;
using System.Text.Encodings.Web;

namespace CozeCluster.Security.Tests.Secrets;

/// <summary>Searches bytes for a secret in every form in which a program might write it by accident.</summary>
internal static class SecretForms
{
    /// <summary>The forms of a secret, with their names.</summary>
    public static IReadOnlyList<(string Form, byte[] Bytes)> Of(string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        return
        [
            ("raw", bytes),
            ("UTF-16", Encoding.Unicode.GetBytes(secret)),
            ("URL", Ascii(Uri.EscapeDataString(secret))),
            ("URL with small digits", Ascii(LowerDigits(Uri.EscapeDataString(secret)))),
            ("form", Ascii(WebUtility.UrlEncode(secret))),
            ("JSON", Ascii(JavaScriptEncoder.Default.Encode(secret))),
            ("HTML", Ascii(WebUtility.HtmlEncode(secret))),
            ("hexadecimal", Ascii(Convert.ToHexString(bytes))),
            ("small hexadecimal", Ascii(Convert.ToHexStringLower(bytes))),
            // Base64 of a longer text looks different for each place that the secret has in a group of three bytes.
            .. Enumerable.Range(0, 3).Select(offset => ($"Base64 behind {offset} bytes", Ascii(Base64Behind(bytes, offset)))),
            .. Enumerable.Range(0, 3).Select(offset => (
                $"Base64 for URLs behind {offset} bytes", Ascii(Base64Behind(bytes, offset).Replace('+', '-').Replace('/', '_')))),
        ];
    }

    /// <summary>The form in which bytes contain a secret; null if they do not.</summary>
    public static string? Find(ReadOnlySpan<byte> content, string secret)
    {
        foreach (var (form, bytes) in Of(secret))
        {
            if (content.IndexOf(bytes) >= 0) return form;
        }
        return null;
    }

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static string LowerDigits(string text) =>
        System.Text.RegularExpressions.Regex.Replace(text, "%[0-9A-F]{2}", match => match.Value.ToLowerInvariant());

    // Without the characters at both ends, which depend on the neighbours.
    private static string Base64Behind(byte[] secret, int offset)
    {
        var text = Convert.ToBase64String([.. new byte[offset], .. secret]).TrimEnd('=');
        return text[(offset == 0 ? 0 : offset + 1)..^2];
    }
}
