using System.Globalization;

namespace CozeCluster.Migration.Sources;

/// <summary>
/// A mapping of an old configuration, with a reader for each kind of value. A reader reports a wrong value and returns null, as it does for a value that is
/// missing or empty, so that reading continues and finds every problem. Messages never contain a value.
/// </summary>
internal sealed class Section(ReadContext context, SourceNode node, string path = "")
{
    private const int MaxText = 4096;

    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>Where the section is.</summary>
    public Place Place => node.Place;

    /// <summary>Whether a key has a value.</summary>
    public bool Has(string key) => Find(key) is { IsNothing: false } value && value.Text?.Trim() != "";

    /// <summary>The name and place of a key, for comments.</summary>
    public string From(string key) => node.Find(key) is { Place.Line: > 0 } value ? $"{key} ({value.Place})" : key;

    /// <summary>A text without the spaces around it.</summary>
    public string? Text(string key)
    {
        var value = Find(key);
        if (value is null || value.IsNothing) return null;
        if (value.Text is not { } text) Report(key, $"Expected a single value, found {value.Kind}.");
        else if (text.Length > MaxText) Report(key, $"The value has more than {MaxText} characters.");
        else if (text.Any(c => char.IsControl(c) && c is not '\n' and not '\t')) Report(key, "The value contains a control character.");
        else return text.Trim() is { Length: > 0 } trimmed ? trimmed : null;
        return null;
    }

    /// <summary>A text that can be a credential or a name in a header: printable ASCII without spaces.</summary>
    public string? Token(string key)
    {
        if (Text(key) is not { } text) return null;
        if (IsToken(text)) return text;
        Report(key, "Expected a token: printable ASCII characters, no spaces.");
        return null;
    }

    /// <summary>A list of such texts, without repetitions: a list, or one text with commas.</summary>
    public IReadOnlyList<string> Tokens(string key)
    {
        var value = Find(key);
        var items = value?.Items is { } list ? list.Select(item => item.Text ?? "") : ListText(key)?.Split(',') ?? [];
        var tokens = items.Select(item => item.Trim()).Where(item => item.Length > 0).Distinct(StringComparer.Ordinal).Take(ReadContext.MaxItems).ToList();
        if (tokens.All(token => token.Length <= MaxText && IsToken(token))) return tokens;
        Report(key, "Expected tokens: printable ASCII characters, no spaces.");
        return [];
    }

    /// <summary>A list of texts, or one text, without repetitions.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        var value = Find(key);
        if (value?.Items is not { } items) return Text(key) is { } text ? [text] : [];
        var texts = items.Select(item => item.Text?.Trim() ?? "").Where(text => text.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        if (texts.Count <= ReadContext.MaxItems && texts.All(text => text.Length <= MaxText && !text.Any(char.IsControl))) return texts;
        Report(key, $"Expected at most {ReadContext.MaxItems} texts of at most {MaxText} characters, without control characters.");
        return [];
    }

    /// <summary>An id of Discord.</summary>
    public string? Snowflake(string key)
    {
        if (Text(key) is not { } text) return null;
        if (IsSnowflake(text)) return text;
        Report(key, "Expected an id of Discord: decimal digits.");
        return null;
    }

    /// <summary>A list of ids of Discord, without repetitions.</summary>
    public IReadOnlyList<string> Snowflakes(string key)
    {
        var ids = Tokens(key);
        if (ids.All(IsSnowflake)) return ids;
        Report(key, "Expected ids of Discord: decimal digits.");
        return [];
    }

    /// <summary>A whole number.</summary>
    public long? Number(string key, long min, long max)
    {
        if (Text(key) is not { } text) return null;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max) return number;
        Report(key, $"Expected a whole number from {min} to {max}.");
        return null;
    }

    /// <summary>A switch: 1, true, yes or on, or the opposite.</summary>
    public bool? Flag(string key)
    {
        switch (Text(key)?.ToLowerInvariant())
        {
            case null: return null;
            case "1" or "true" or "yes" or "on": return true;
            case "0" or "false" or "no" or "off": return false;
            default:
                Report(key, "Expected 1 or 0, or true or false.");
                return null;
        }
    }

    /// <summary>A nested mapping, or null.</summary>
    public Section? Map(string key)
    {
        var value = Find(key);
        if (value is null || value.IsNothing) return null;
        if (value.Entries is not null) return new Section(context, value, $"{path}{key}.");
        Report(key, $"Expected a mapping, found {value.Kind}.");
        return null;
    }

    /// <summary>The mappings of a list.</summary>
    public IReadOnlyList<Section> Maps(string key)
    {
        var value = Find(key);
        return value is null || value.IsNothing ? [] : context.Maps(value, path + key);
    }

    /// <summary>Reports a problem with a key.</summary>
    public void Report(string key, string message) => context.Report(node.Find(key)?.Place ?? node.Place, $"{path}{key}: {message}");

    /// <summary>Notes keys that have a value and no counterpart.</summary>
    /// <param name="why">Why they have none, and what to do instead.</param>
    /// <param name="keys">The keys.</param>
    public void NoteWithout(string why, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (Has(key)) context.Note($"{path}{key}: {why}");
        }
    }

    /// <summary>Notes keys that nothing has read.</summary>
    public void NoteUnknown()
    {
        var unknown = (node.Entries ?? []).Select(entry => entry.Key).Where(key => !_known.Contains(key)).Distinct().ToList();
        foreach (var key in unknown.Take(ReadContext.MaxNoted)) context.Note($"{path}{ReadContext.Printable(key)} is not known and was left out.");
        if (unknown.Count > ReadContext.MaxNoted) context.Note($"{unknown.Count - ReadContext.MaxNoted} more keys are not known and were left out.");
    }

    public static bool IsToken(string text) => text.All(c => c is > ' ' and <= '~');

    public static bool IsSnowflake(string text) => text.Length > 0 && text[0] != '0' && text.All(char.IsAsciiDigit) && ulong.TryParse(text, out _);

    private SourceNode? Find(string key)
    {
        _known.Add(key);
        return node.Find(key);
    }

    // A list of tokens is longer than one of them.
    private string? ListText(string key)
    {
        var value = Find(key);
        if (value is null || value.IsNothing || value.Text is not null) return value?.Text;
        Report(key, $"Expected a text or a list, found {value.Kind}.");
        return null;
    }
}
