using System.Globalization;

namespace CozeCluster.Sandbox;

/// <summary>A directive that cannot be applied. The message names the directive and says what is wrong.</summary>
internal sealed class DirectiveException(string message) : Exception(message);

/// <summary>Converts values of directives. Each method throws <see cref="DirectiveException"/> when the value is invalid.</summary>
internal static class DirectiveValue
{
    /// <summary>Any text; the value is required.</summary>
    public static string Text(string? value) => value ?? throw new DirectiveException("needs a value");

    /// <summary>True for a directive without a value.</summary>
    public static bool Flag(string? value) => value is null ? true : throw new DirectiveException("takes no value");

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public static int Number(string? value, int min = 0, int max = int.MaxValue) =>
        int.TryParse(Text(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new DirectiveException($"'{value}' is not a whole number from {min} to {max}");

    /// <summary>A duration such as <c>20ms</c>, <c>2s</c>, <c>1m</c> or <c>0</c>.</summary>
    public static TimeSpan Duration(string? value)
    {
        var text = Text(value);
        if (text == "0") return TimeSpan.Zero;
        var digits = text.AsSpan().TrimEnd("ms");
        var unit = text.AsSpan(digits.Length) switch { "ms" => 1.0, "s" => 1_000, "m" => 60_000, _ => 0 };
        return unit > 0
            && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number * unit <= int.MaxValue
                ? TimeSpan.FromMilliseconds(number * unit)
                : throw new DirectiveException($"'{value}' is not a duration; use 20ms, 2s or 1m");
    }

    /// <summary>One of several names, converted to its value.</summary>
    public static T OneOf<T>(string? value, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var names = new List<string>();
        foreach (var (name, choice) in choices)
        {
            if (name == value) return choice;
            names.Add(name);
        }
        throw new DirectiveException($"'{value}' is none of {string.Join(", ", names)}");
    }
}
