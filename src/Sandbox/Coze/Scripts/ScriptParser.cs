using System.Globalization;
using System.Text;

namespace CozeCluster.Sandbox.Coze.Scripts;

/// <summary>Directives that cannot be followed; the message says which and why.</summary>
internal sealed class ScriptException(string message) : Exception(message);

/// <summary>
/// Reads directives: words apart by white space, each <c>name</c>, <c>name=value</c> or <c>name="value with spaces"</c>
/// (<c>\"</c>, <c>\\</c> and <c>\n</c> inside quotes). In a prompt they stand between <c>[[</c> and <c>]]</c>.
/// </summary>
internal static class ScriptParser
{
    private static readonly Dictionary<string, Func<ChatScript, string?, ChatScript>> Directives = new(StringComparer.Ordinal)
    {
        ["say"] = (s, v) => s with { Say = Text(v) },
        ["chunks"] = (s, v) => s with { Chunks = Count(v) },
        ["chunk"] = (s, v) => s with { Chunk = Count(v, least: 1) },
        ["text"] = (s, v) => s with { Text = OneOf(v, ("plain", ReplyTextKind.Plain), ("unicode", ReplyTextKind.Unicode)) },
        ["seed"] = (s, v) => s with { Seed = Count(v) },
        ["answers"] = (s, v) => s with { Answers = Count(v) },
        ["followups"] = (s, v) => s with { FollowUps = Count(v) },
        ["reasoning"] = (s, v) => s with { Reasoning = Count(v) },
        ["tool"] = (s, v) => s with { Tools = [.. Text(v).Split(',', StringSplitOptions.RemoveEmptyEntries)] },
        ["knowledge"] = (s, v) => s with { Knowledge = Flag(v) },
        ["verbose"] = (s, v) => s with { Verbose = Flag(v) },
        ["image"] = (s, v) => s with { Image = Flag(v) },
        ["card"] = (s, v) => s with { Card = Flag(v) },
        ["audio"] = (s, v) => s with { Audio = Count(v) },
        ["rewrite"] = (s, v) => s with { Rewrite = Flag(v) },
        ["usage"] = (s, v) => s with { Usage = Usage(v) },
        ["requires_action"] = (s, v) => s with { RequiresAction = v ?? "get_weather" },

        ["pace"] = (s, v) => s with { Pace = Duration(v) },
        ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
        ["think"] = (s, v) => s with { Think = Duration(v) },
        ["stall_after"] = (s, v) => s with { StallAfter = Count(v) },
        ["stall"] = (s, v) => s with { Stall = Duration(v), StallAfter = s.StallAfter ?? 0 },

        ["early_error"] = (s, v) => s with { EarlyError = Count(v, least: 1) },
        ["http"] = (s, v) => s with { Http = Count(v, least: 200, most: 599) },
        ["retry_after"] = (s, v) => s with { RetryAfter = Duration(v) },
        ["error"] = (s, v) => s with { Error = Count(v, least: 1) },
        ["error_after"] = (s, v) => s with { ErrorAfter = Count(v), Error = s.Error ?? 5000 },
        ["failed"] = (s, v) => s with { Failed = Count(v, least: 1) },
        ["failed_after"] = (s, v) => s with { FailedAfter = Count(v), Failed = s.Failed ?? 5000 },
        ["failed_form"] = (s, v) => s with { FailedBare = OneOf(v, ("chat", false), ("bare", true)) },
        ["disconnect_after"] = (s, v) => s with { DisconnectAfter = Count(v) },

        ["colon"] = (s, v) => s with { Wire = s.Wire with { SpaceAfterColon = OneOf(v, ("tight", false), ("space", true)) } },
        ["newline"] = (s, v) => s with { Wire = s.Wire with { CarriageReturn = OneOf(v, ("lf", false), ("crlf", true)) } },
        ["torn"] = (s, v) => s with { Wire = s.Wire with { Torn = Flag(v) } },
        ["escape"] = (s, v) => s with { Wire = s.Wire with { AsciiOnly = OneOf(v, ("utf8", false), ("ascii", true)) } },
        ["done"] = (s, v) => s with
        {
            Wire = s.Wire with
            {
                Done = OneOf(v, ("quoted", DoneForm.Quoted), ("bare", DoneForm.Bare), ("debug", DoneForm.Debug), ("none", DoneForm.None)),
            },
        },
        ["last_error"] = (s, v) => s with { Wire = s.Wire with { LastErrorNull = OneOf(v, ("zero", false), ("null", true)) } },
        ["usage_names"] = (s, v) => s with { Wire = s.Wire with { UsageInTokens = OneOf(v, ("count", false), ("tokens", true)) } },
    };

    /// <summary>Every directive there is.</summary>
    public static IEnumerable<string> Names => Directives.Keys;

    /// <summary><paramref name="script"/> with the directives of <paramref name="text"/> laid over it.</summary>
    /// <exception cref="ScriptException">A directive is unknown or its value is none it takes.</exception>
    public static ChatScript Parse(string text, ChatScript script)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at == text.Length) return script;
            var start = at;
            while (at < text.Length && text[at] != '=' && !char.IsWhiteSpace(text[at])) at++;
            var name = text[start..at];
            var value = at < text.Length && text[at] == '=' ? ReadValue(text, name, ref at) : null;
            if (!Directives.TryGetValue(name, out var apply)) throw new ScriptException($"unknown directive '{name}'");
            try
            {
                script = apply(script, value);
            }
            catch (ScriptException fault)
            {
                throw new ScriptException($"directive '{name}': {fault.Message}");
            }
        }
    }

    /// <summary>Takes the <c>[[…]]</c> out of a prompt and lays them over <paramref name="script"/>; a fault is put into the script.</summary>
    public static (string Prompt, ChatScript Script) ReadPrompt(string prompt, ChatScript script)
    {
        if (!prompt.Contains("[[", StringComparison.Ordinal)) return (prompt, script);
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
        catch (ScriptException fault)
        {
            return (prompt, ChatScript.Default with { Fault = fault.Message });
        }
    }

    private static string ReadValue(string text, string name, ref int at)
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
        throw new ScriptException($"directive '{name}': the closing quote is missing");
    }

    private static string Text(string? value) => value ?? throw new ScriptException("needs a value");

    private static bool Flag(string? value) => value is null ? true : throw new ScriptException("takes no value");

    private static int Count(string? value, int least = 0, int most = int.MaxValue) =>
        int.TryParse(Text(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new ScriptException($"'{value}' is no whole number from {least} to {most}");

    /// <summary>As <c>20ms</c>, <c>2s</c>, <c>1m</c> or <c>0</c>.</summary>
    public static TimeSpan Duration(string? value)
    {
        var text = Text(value);
        if (text == "0") return TimeSpan.Zero;
        var digits = text.AsSpan().TrimEnd("ms");
        var unit = text.AsSpan(digits.Length) switch { "ms" => 1.0, "s" => 1_000, "m" => 60_000, _ => 0 };
        return unit > 0 && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number * unit <= int.MaxValue
            ? TimeSpan.FromMilliseconds(number * unit)
            : throw new ScriptException($"'{value}' is no duration; say 20ms, 2s or 1m");
    }

    private static ScriptedUsage Usage(string? value)
    {
        if (Text(value) == "none") return new ScriptedUsage(0, 0, Absent: true);
        var parts = value!.Split('/');
        return parts.Length == 2
            ? new ScriptedUsage(Count(parts[0]), Count(parts[1]))
            : throw new ScriptException($"'{value}' is neither input/output, as 12/34, nor none");
    }

    private static T OneOf<T>(string? value, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var names = new List<string>();
        foreach (var (name, choice) in choices)
        {
            if (name == value) return choice;
            names.Add(name);
        }
        throw new ScriptException($"'{value}' is none of {string.Join(", ", names)}");
    }
}
