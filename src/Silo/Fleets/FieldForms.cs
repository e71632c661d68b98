using System.Buffers;

namespace CozeCluster.Silo.Fleets;

/// <summary>The forms that values of several sections share.</summary>
internal static class FieldForms
{
    /// <summary>The most turns a limit may name.</summary>
    public const int MostTurns = 1_000_000;

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>An id of this fleet.</summary>
    public static string Id(this Field field) =>
        field.Text(text => text.Length <= 40 && !text.AsSpan().ContainsAnyExcept(IdCharacters), "an id: 1 to 40 of a-z 0-9 - _") ?? "";

    /// <summary>A name for people.</summary>
    public static string Title(this Field field) => field.Text(text => text.Length <= 100 && !text.Any(char.IsControl), "a name of 1 to 100 characters") ?? "";

    /// <summary>An id that somebody else chose.</summary>
    public static string ForeignId(this Field field) =>
        field.Text(text => text.Length <= 100 && text.All(c => c is > ' ' and <= '~'), "an id: 1 to 100 printable ASCII characters, no spaces") ?? "";

    /// <summary>An id of Discord's.</summary>
    public static string Snowflake(this Field field) =>
        field.Text(text => text[0] != '0' && text.All(char.IsAsciiDigit) && ulong.TryParse(text, out _), "an id of Discord's: decimal digits, 64 bits") ?? "";

    /// <summary>The name of an upstream.</summary>
    public static string Upstream(this Field field)
    {
        if (field.Text() is not { } name) return "";
        if (KnownUpstreams.Find(name) is not null) return name;
        field.Report($"Expected an upstream ({string.Join(", ", KnownUpstreams.Names)}).{Suggestion.For(name, KnownUpstreams.Names)}");
        return "";
    }

    /// <summary>A limit on turns.</summary>
    public static int? Turns(this Field field) => field.Number(1, MostTurns);

    /// <summary>A list of names of things declared elsewhere, none twice.</summary>
    public static IReadOnlyList<Reference> References(this Field field, string ofWhat)
    {
        var references = new List<Reference>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in field.List(ofWhat))
        {
            if (item.Text($"the id of a {ofWhat}") is not { } id) continue;
            if (seen.Add(id)) references.Add(new Reference(id, item));
            else item.Report($"'{item.Written}' is listed twice.");
        }
        return references;
    }

    /// <summary>What only the upstream knows; it says itself what is wrong.</summary>
    /// <param name="field">The options; they may be absent.</param>
    /// <param name="owner">Whose options these are.</param>
    /// <param name="check">Says what is wrong.</param>
    public static IReadOnlyDictionary<string, string> Options(this Field field, MapReader owner, OptionsCheck check)
    {
        var fields = new Dictionary<string, Field>(StringComparer.Ordinal);
        var options = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in field.Entries())
        {
            fields[key] = value;
            if (value.Text() is { } text) options[key] = text;
        }
        foreach (var (key, expected) in check(options))
        {
            if (fields.TryGetValue(key, out var found))
            {
                // A value that could not be read is not missing, and has been reported.
                if (options.ContainsKey(key)) found.Report($"This option is wrong: {expected}.");
            }
            else if (field.Exists)
            {
                field.Report($"The option '{key}' is wrong: {expected}.");
            }
            else
            {
                owner.Report($"The option '{key}' is wrong: {expected}.");
            }
        }
        return options;
    }
}
