using System.Globalization;

namespace CozeCluster.Silo.Fleets;

/// <summary>The options of endpoints, by mode. An option that a mode does not have is an error.</summary>
internal static class EndpointOptions
{
    private static readonly Option[] Cdp =
    [
        Flag("builtin_models"), Flag("only_openai_api"), Seconds("request_out_time"), Seconds("stream_request_out_time"),
    ];

    /// <summary>Finds the options that are wrong.</summary>
    public static IReadOnlyDictionary<string, string> Check(CompatMode mode, IReadOnlyDictionary<string, string> options)
    {
        var known = KnownIn(mode);
        var errors = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            if (known.FirstOrDefault(option => option.Name == name) is not { } option) errors[name] = Unknown(known);
            else if (!option.IsValid(value)) errors[name] = $"expected {option.Expected}";
        }
        return errors;
    }

    private static Option[] KnownIn(CompatMode mode) => mode switch
    {
        CompatMode.Cdp => Cdp,
        _ => [],
    };

    private static string Unknown(Option[] known) => known.Length == 0
        ? "endpoints of this mode have no options"
        : $"no option of this mode has this name; there are {string.Join(", ", known.Select(option => option.Name))}";

    private static Option Flag(string name) => new(name, "true or false", value => value is "true" or "false");

    private static Option Seconds(string name) => new(
        name, "a number of seconds from 1 to 86400",
        value => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 86_400);

    private sealed record Option(string Name, string Expected, Predicate<string> IsValid);
}
