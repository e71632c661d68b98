using System.Buffers;
using System.Text;

namespace CozeCluster.Silo.Fleets;

/// <summary>
/// Replaces environment variables in values of a fleet file: <c>${NAME}</c>, or <c>${NAME:-default}</c> for a variable that may be unset or empty.
/// <c>$$</c> is a dollar sign. Values are replaced after the YAML has been parsed, so a variable cannot change the structure of the file.
/// </summary>
/// <param name="lookup">Returns the value of a variable, or null. Null: nothing is replaced, and a dollar sign is a dollar sign.</param>
internal sealed class EnvironmentValues(Func<string, string?>? lookup)
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    /// <summary>The variables of this process.</summary>
    public static EnvironmentValues Process { get; } = new(Environment.GetEnvironmentVariable);

    /// <summary>Replaces nothing.</summary>
    public static EnvironmentValues Literal { get; } = new(null);

    /// <summary>Replaces all references in <paramref name="text"/>.</summary>
    /// <param name="text">The value as written.</param>
    /// <param name="report">Receives each problem. The messages never contain the value of a variable.</param>
    /// <returns>Null if there is a problem.</returns>
    public string? Substitute(string text, Action<string> report)
    {
        if (lookup is null || !text.Contains('$')) return text;
        var result = new StringBuilder(text.Length);
        var isValid = true;
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
                report("'${' has no closing '}'. Write '$$' for a dollar sign.");
                return null;
            }
            else
            {
                if (Resolve(text[(i + 2)..end], report) is { } value) result.Append(value);
                else isValid = false;
                i = end;
            }
        }
        return isValid ? result.ToString() : null;
    }

    private string? Resolve(string reference, Action<string> report)
    {
        var separator = reference.IndexOf(":-", StringComparison.Ordinal);
        var name = separator < 0 ? reference : reference[..separator];
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            report("Expected the name of an environment variable (letters, digits, '_') between '${' and '}', optionally followed by ':-' and a default.");
            return null;
        }
        var value = lookup!(name);
        if (!string.IsNullOrEmpty(value)) return value;
        if (separator >= 0) return reference[(separator + 2)..];
        report($"The environment variable {name} is {(value is null ? "not set" : "empty")}. Set it, or write a default: ${{{name}:-…}}.");
        return null;
    }
}
