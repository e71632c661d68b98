using System.Buffers;
using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Puts environment variables into values: <c>${NAME}</c>, or <c>${NAME:-default}</c> for one that may be unset or empty; <c>$$</c> is a dollar sign.
/// It works on values after YAML has been read, so a variable cannot change the structure of the file.
/// </summary>
/// <param name="lookup">The value of a variable, or null.</param>
internal sealed class EnvironmentValues(Func<string, string?> lookup)
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    /// <summary>The variables of this process.</summary>
    public static EnvironmentValues Process { get; } = new(Environment.GetEnvironmentVariable);

    /// <summary>Replaces all references in <paramref name="text"/>.</summary>
    /// <param name="text">The value as written.</param>
    /// <param name="report">Hears what is wrong; never a variable's value.</param>
    /// <returns>Null if something was wrong.</returns>
    public string? Substitute(string text, Action<string> report)
    {
        if (!text.Contains('$')) return text;
        var result = new StringBuilder(text.Length);
        var sound = true;
        for (var i = 0; i < text.Length; i++)
        {
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            if (text[i] != '$' || next is not ('$' or '{'))
            {
                result.Append(text[i]);
            }
            else if (next == '$')
            {
                result.Append('$');
                i++;
            }
            else if (text.IndexOf('}', i) is var end && end < 0)
            {
                report("'${' has no closing '}'; write '$$' for a dollar sign.");
                return null;
            }
            else
            {
                if (Resolve(text[(i + 2)..end], report) is { } value) result.Append(value);
                else sound = false;
                i = end;
            }
        }
        return sound ? result.ToString() : null;
    }

    private string? Resolve(string reference, Action<string> report)
    {
        var dash = reference.IndexOf(":-", StringComparison.Ordinal);
        var name = dash < 0 ? reference : reference[..dash];
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            report("Between '${' and '}' stands the name of an environment variable (letters, digits, '_'), and perhaps ':-' and a default.");
            return null;
        }
        var value = lookup(name);
        if (dash >= 0) return string.IsNullOrEmpty(value) ? reference[(dash + 2)..] : value;
        if (string.IsNullOrEmpty(value)) report($"The environment variable {name} is {(value is null ? "not set" : "empty")}; set it, or give a default: ${{{name}:-…}}.");
        return string.IsNullOrEmpty(value) ? null : value;
    }
}
