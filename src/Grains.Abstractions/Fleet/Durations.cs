using System.Globalization;

namespace CozeCluster;

/// <summary>
/// Durations as operators write them in settings, fleet files and options: numbers, each with a unit (<c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c> or <c>d</c>).
/// Examples are <c>500ms</c>, <c>1.5s</c>, <c>1m30s</c>, <c>2h</c> and <c>7d</c>.
/// </summary>
public static class Durations
{
    /// <summary>What an error message says is expected.</summary>
    public const string Expected = "a duration such as 500ms, 10s, 1m30s, 2h or 7d";

    private const string NumberCharacters = "0123456789.";

    /// <summary>The longest duration that is read, about ten years.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(3650);

    /// <summary>Reads a duration.</summary>
    /// <param name="text">The text. Spaces around it are ignored.</param>
    /// <param name="duration">The duration, from zero to <see cref="Longest"/>.</param>
    /// <param name="allowBareSeconds">Whether a number without a unit is a number of seconds. Otherwise it is not a duration.</param>
    /// <returns>Whether the text is a duration.</returns>
    public static bool TryParse(string text, out TimeSpan duration, bool allowBareSeconds = false)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan().Trim();
        if (allowBareSeconds && !rest.ContainsAnyExcept(NumberCharacters)) return TryAdd(rest, TimeSpan.FromSeconds(1), ref duration);
        if (rest.IsEmpty) return false;
        while (!rest.IsEmpty)
        {
            var number = rest[..Math.Max(rest.IndexOfAnyExcept(NumberCharacters), 0)];
            rest = rest[number.Length..];
            var unit = rest.IndexOfAny(NumberCharacters) is >= 0 and var next ? rest[..next] : rest;
            rest = rest[unit.Length..];
            if (UnitOf(unit) is not { } length || !TryAdd(number, length, ref duration)) return false;
        }
        return true;
    }

    /// <summary>Writes a whole number of milliseconds as one number with the largest unit that fits, such as <c>90s</c>.</summary>
    public static string Format(TimeSpan duration) => duration switch
    {
        { Ticks: 0 } => "0s",
        // One day is easier to compare with other limits when it is written as 24h.
        { TotalDays: >= 2 } when duration.Ticks % TimeSpan.TicksPerDay == 0 => $"{(long)duration.TotalDays}d",
        _ when duration.Ticks % TimeSpan.TicksPerHour == 0 => $"{(long)duration.TotalHours}h",
        _ when duration.Ticks % TimeSpan.TicksPerMinute == 0 => $"{(long)duration.TotalMinutes}m",
        _ when duration.Ticks % TimeSpan.TicksPerSecond == 0 => $"{(long)duration.TotalSeconds}s",
        _ => $"{(long)duration.TotalMilliseconds}ms",
    };

    private static bool TryAdd(ReadOnlySpan<char> number, TimeSpan unit, ref TimeSpan duration)
    {
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)) return false;
        // Compared as a double, because a large amount does not fit into a TimeSpan.
        var ticks = amount * unit.Ticks;
        if (ticks > (Longest - duration).Ticks) return false;
        duration += TimeSpan.FromTicks((long)Math.Round(ticks));
        return true;
    }

    private static TimeSpan? UnitOf(ReadOnlySpan<char> letters) => letters switch
    {
        "ms" => TimeSpan.FromMilliseconds(1),
        "s" => TimeSpan.FromSeconds(1),
        "m" => TimeSpan.FromMinutes(1),
        "h" => TimeSpan.FromHours(1),
        "d" => TimeSpan.FromDays(1),
        _ => null,
    };
}
