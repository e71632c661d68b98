using System.Collections.Frozen;
using System.Globalization;

namespace CozeCluster.Silo.Fleets;

/// <summary>The options that an endpoint may have, by its mode. The surfaces of the gateway read them, and rely on these checks.</summary>
internal static class CompatOptions
{
    private const int MaxLength = 4000;
    private const int MaxNameLength = 100;
    private const string ExpectedName = "a name of 1 to 100 characters";
    private const string ExpectedText = "a text of up to 4000 characters";

    private static readonly FrozenDictionary<CompatMode, Option[]> Known = new Dictionary<CompatMode, Option[]>
    {
        [CompatMode.Cdp] =
        [
            Flag("builtin_models"), Flag("only_openai_api"), Number("request_out_time", 1, 86_400), Number("stream_request_out_time", 1, 86_400),
        ],
        [CompatMode.Ccp] = [Number("history_bytes", 0, 10_000_000)],
        [CompatMode.Cdb] =
        [
            Choice("flatten", "0", "1", "2", "3"), Text("prefix"), Text("suffix"), Name("default_conversation"), Name("default_model"),
            Name("image_conversation"), Text("image_prefix"), Text("image_suffix"), Choice("stream_end", "both", "done", "prompt"),
            Name("keepalive_conversation"), Text("keepalive_message"), Number("keepalive_minutes", 1, 43_200),
        ],
        [CompatMode.Rca] = [Choice("mode", "http", "stream", "ws"), Name("model")],
        [CompatMode.AiProxy] = [.. AiProxyReferences.Options.Select(Text), Flag(AiProxyReferences.OwnKeys)],
    }.ToFrozenDictionary();

    /// <summary>The names of the options of a mode, for documentation and tests.</summary>
    public static IEnumerable<string> NamesOf(CompatMode mode) => Known.TryGetValue(mode, out var options) ? options.Select(option => option.Name) : [];

    /// <summary>Reads the options of an endpoint. Unknown names and invalid values are reported.</summary>
    public static IReadOnlyDictionary<string, string> Read(FleetField field, CompatMode mode)
    {
        if (Known.TryGetValue(mode, out var options)) return field.Map(map => Read(map, options)) ?? [];
        return field.Entries().DistinctBy(entry => entry.Key).ToDictionary(entry => entry.Key, entry => entry.Value.Text() ?? "");
    }

    private static Dictionary<string, string> Read(FleetMap map, Option[] options)
    {
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in options)
        {
            if (map.Optional(option.Name).Text(option.IsValid, option.Expected) is { } text) read[option.Name] = text;
        }
        return read;
    }

    private static Option Text(string name) => new(name, static text => text.Length <= MaxLength, ExpectedText);

    private static Option Name(string name) => new(name, static text => text.Length <= MaxNameLength && !text.Any(char.IsControl), ExpectedName);

    private static Option Flag(string name) => new(name, static text => text is "true" or "false", "true or false");

    private static Option Choice(string name, params string[] values) => new(name, values.Contains, "one of " + string.Join(", ", values));

    private static Option Number(string name, int min, int max) => new(
        name, text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max,
        $"a whole number from {min} to {max}");

    private sealed record Option(string Name, Func<string, bool> IsValid, string Expected);
}
