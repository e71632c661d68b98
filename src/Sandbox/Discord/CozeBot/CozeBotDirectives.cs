using System.Globalization;
using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// Reads directives, in the form the fake Coze takes them: words apart by white space, each <c>name</c>, <c>name=value</c> or
/// <c>name="value with spaces"</c> (<c>\"</c>, <c>\\</c> and <c>\n</c> inside quotes). In a prompt they stand between <c>[[</c> and <c>]]</c>.
/// </summary>
internal static class CozeBotDirectives
{
    private static readonly Dictionary<string, Func<CozeBotScript, string?, CozeBotScript>> Directives = new(StringComparer.Ordinal)
    {
        ["say"] = (s, v) => s with { Say = Text(v) },
        ["length"] = (s, v) => s with { Length = Count(v, 1, 100_000) },
        ["text"] = (s, v) => s with { Unicode = OneOf(v, ("plain", false), ("unicode", true)) },
        ["full"] = (s, v) => s with { Full = Flag(v) },
        ["context"] = (s, v) => s with { Context = Count(v, 0, 1) == 1 },
        ["notice"] = (s, v) => s with { Notice = CozeNotices.All.ContainsKey(Text(v)) ? v : throw new FormatException($"'{v}' is none of {string.Join(", ", CozeNotices.All.Keys)}") },
        ["image"] = (s, v) => s with { Image = OneOf(v, ("embed", ReplyImage.Embed), ("attachment", ReplyImage.Attachment), ("link", ReplyImage.Link)) },
        ["buttons"] = (s, v) => s with { Buttons = Count(v, 0, 5) },
        ["labels"] = (s, v) => s with { Labels = [.. Text(v).Split('|').Take(5)] },

        ["chunks"] = (s, v) => s with { Chunks = Count(v, 1, 1_000) },
        ["pace"] = (s, v) => s with { Pace = Duration(v) },
        ["jitter"] = (s, v) => s with { Jitter = Count(v, 0, 90) },
        ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
        ["pause"] = (s, v) => s with { Pause = Duration(v) },
        ["typing"] = (s, v) => s with { Typing = Count(v, 0, 1) == 1 },

        ["form"] = (s, v) => s with { Form = OneOf(v, ("reply", ReplyForm.Reply), ("mention", ReplyForm.Mention), ("plain", ReplyForm.Plain)) },
        ["overflow"] = (s, v) => s with { Overflow = OneOf(v, ("reply", OverflowForm.Reply), ("plain", OverflowForm.Plain), ("cut", OverflowForm.Cut)) },
        ["v2"] = (s, v) => s with { ComponentsV2 = Flag(v) },
        ["buttons_apart"] = (s, v) => s with { ButtonsApart = Flag(v) },
        ["placeholder"] = (s, v) => s with { Placeholder = v ?? "Thinking…" },
        ["rewrite"] = (s, v) => s with { RewriteAt = Count(v, 2, 1_000) },

        ["silent"] = (s, v) => s with { Silent = Flag(v) },
        ["stop_after"] = (s, v) => s with { StopAfter = Count(v, 1, 1_000) },
        ["late_text"] = (s, v) => s with { LateText = Text(v) },
        ["late_after"] = (s, v) => s with { LateAfter = Duration(v) },
        ["stale"] = (s, v) => s with { Stale = Flag(v) },
        ["duplicate"] = (s, v) => s with { Duplicate = Flag(v) },
        ["drop"] = (s, v) => s with { DropAt = Count(v, 1, 1_000) },
        ["op7"] = (s, v) => s with { ReconnectAt = Count(v, 1, 1_000) },
        ["op9"] = (s, v) => s with { InvalidateAt = Count(v, 1, 1_000) },
    };

    /// <summary><paramref name="script"/> with the directives of <paramref name="text"/> laid over it.</summary>
    /// <exception cref="FormatException">A directive is unknown or its value is none it takes; the message names it.</exception>
    public static CozeBotScript Parse(string text, CozeBotScript script)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at == text.Length) return script;
            var start = at;
            while (at < text.Length && text[at] != '=' && !char.IsWhiteSpace(text[at])) at++;
            var name = text[start..at];
            try
            {
                var value = at < text.Length && text[at] == '=' ? ReadValue(text, ref at) : null;
                if (!Directives.TryGetValue(name, out var apply)) throw new FormatException("unknown");
                script = apply(script, value);
            }
            catch (FormatException fault)
            {
                throw new FormatException($"directive '{name}': {fault.Message}");
            }
        }
    }

    /// <summary>Takes the <c>[[…]]</c> out of a prompt and lays them over <paramref name="script"/>; a fault is put into the script.</summary>
    public static (string Prompt, CozeBotScript Script) ReadPrompt(string prompt, CozeBotScript script)
    {
        var rest = new StringBuilder();
        var at = 0;
        try
        {
            while (true)
            {
                var open = prompt.IndexOf("[[", at, StringComparison.Ordinal);
                var close = open < 0 ? -1 : prompt.IndexOf("]]", open, StringComparison.Ordinal);
                if (close < 0) return (rest.Append(prompt, at, prompt.Length - at).ToString().Trim(), script);
                rest.Append(prompt, at, open - at);
                script = Parse(prompt[(open + 2)..close], script);
                at = close + 2;
            }
        }
        catch (FormatException fault)
        {
            return (prompt, CozeBotScript.Default with { Fault = fault.Message });
        }
    }

    private static string ReadValue(string text, ref int at)
    {
        at++;
        var start = at;
        if (at == text.Length || text[at] != '"')
        {
            while (at < text.Length && !char.IsWhiteSpace(text[at])) at++;
            return text[start..at];
        }
        var value = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                at++;
                return value.ToString();
            }
            if (text[at] == '\\' && at + 1 < text.Length) value.Append(text[++at] == 'n' ? '\n' : text[at]);
            else value.Append(text[at]);
        }
        throw new FormatException("the closing quote is missing");
    }

    private static string Text(string? value) => value ?? throw new FormatException("needs a value");

    private static bool Flag(string? value) => value is null ? true : throw new FormatException("takes no value");

    private static int Count(string? value, int least, int most) =>
        int.TryParse(Text(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException($"'{value}' is no whole number from {least} to {most}");

    /// <summary>As <c>20ms</c>, <c>2s</c>, <c>1m</c> or <c>0</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TimeSpan Duration(string? value)
    {
        var text = Text(value);
        if (text == "0") return TimeSpan.Zero;
        var digits = text.AsSpan().TrimEnd("ms");
        var unit = text.AsSpan(digits.Length) switch { "ms" => 1.0, "s" => 1_000, "m" => 60_000, _ => 0 };
        return unit > 0 && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * unit <= int.MaxValue
            ? TimeSpan.FromMilliseconds(number * unit)
            : throw new FormatException($"'{value}' is no duration; say 20ms, 2s or 1m");
    }

    private static T OneOf<T>(string? value, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var names = new List<string>();
        foreach (var (name, choice) in choices)
        {
            if (name == value) return choice;
            names.Add(name);
        }
        throw new FormatException($"'{value}' is none of {string.Join(", ", names)}");
    }
}
