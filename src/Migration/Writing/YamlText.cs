using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CozeCluster.Migration.Writing;

/// <summary>Writes single values and comments of YAML.</summary>
internal static partial class YamlText
{
    private const int MaxComment = 200;

    /// <summary>A value, quoted where YAML or the variables of a fleet file would read something else.</summary>
    public static string Value(string text) => Quote(text.Replace("$", "$$", StringComparison.Ordinal));

    /// <summary>The value of a variable.</summary>
    public static string Reference(string variable) => $"${{{variable}}}";

    /// <summary>A key. Variables are not replaced in keys.</summary>
    public static string Key(string text) => Quote(text);

    /// <summary>A text on one line, for a comment.</summary>
    public static string Comment(string text)
    {
        var clean = new string([.. text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' || char.IsSurrogate(c) ? ' ' : c)]);
        return clean.Length > MaxComment ? clean[..MaxComment] + "…" : clean;
    }

    private static string Quote(string text)
    {
        if (Plain().IsMatch(text) && !text.EndsWith(':') && text is not ("null" or "Null" or "NULL")) return text;
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (c is < ' ' or (>= '\u007f' and <= '\u009f') or '\u2028' or '\u2029' or '\uFEFF' || char.IsSurrogate(c))
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }

    [GeneratedRegex(@"\A[A-Za-z0-9/.][A-Za-z0-9/_.:+@-]*\z")]
    private static partial Regex Plain();
}
