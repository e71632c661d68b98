using System.Text;

namespace CozeCluster.Sandbox;

/// <summary>
/// Parses directives into a script. Directives are separated by white space. Each is <c>name</c>, <c>name=value</c> or
/// <c>name="value with spaces"</c>, with the escapes <c>\"</c>, <c>\\</c> and <c>\n</c> in quotes. In a prompt they are enclosed in
/// <c>[[</c> and <c>]]</c>.
/// </summary>
/// <typeparam name="TScript">An immutable record with the settings of one reply.</typeparam>
/// <param name="directives">
/// The known directives by name. Each function gets a script and the value (null without <c>=</c>) and returns the changed script.
/// </param>
/// <param name="createInvalid">Creates the script for a prompt with invalid directives. Its argument is the error message.</param>
internal sealed class DirectiveParser<TScript>(
    IReadOnlyDictionary<string, Func<TScript, string?, TScript>> directives, Func<string, TScript> createInvalid)
{
    /// <summary>The names of all known directives.</summary>
    public IEnumerable<string> Names => directives.Keys;

    /// <summary>Applies the directives in <paramref name="text"/> to <paramref name="script"/>, in order.</summary>
    /// <exception cref="DirectiveException">A directive is unknown or its value is invalid.</exception>
    public TScript Parse(string text, TScript script)
    {
        var position = 0;
        while (true)
        {
            while (position < text.Length && char.IsWhiteSpace(text[position])) position++;
            if (position == text.Length) return script;
            var start = position;
            while (position < text.Length && text[position] != '=' && !char.IsWhiteSpace(text[position])) position++;
            var name = text[start..position];
            if (!directives.TryGetValue(name, out var apply)) throw new DirectiveException($"unknown directive '{name}'");
            try
            {
                var value = position < text.Length && text[position] == '=' ? ReadValue(text, ref position) : null;
                script = apply(script, value);
            }
            catch (DirectiveException error)
            {
                throw new DirectiveException($"directive '{name}': {error.Message}");
            }
        }
    }

    /// <summary>Removes each <c>[[…]]</c> from a prompt and applies its directives to <paramref name="script"/>.</summary>
    /// <returns>
    /// The prompt without directives, and the script. When a directive is invalid: the whole prompt, and a script that reports the error.
    /// </returns>
    public (string Prompt, TScript Script) ParsePrompt(string prompt, TScript script)
    {
        if (!prompt.Contains("[[", StringComparison.Ordinal)) return (prompt, script);
        var rest = new StringBuilder();
        var position = 0;
        try
        {
            while (true)
            {
                var open = prompt.IndexOf("[[", position, StringComparison.Ordinal);
                var close = open < 0 ? -1 : prompt.IndexOf("]]", open, StringComparison.Ordinal);
                if (close < 0) return (rest.Append(prompt, position, prompt.Length - position).ToString().Trim(), script);
                rest.Append(prompt, position, open - position);
                script = Parse(prompt[(open + 2)..close], script);
                position = close + 2;
            }
        }
        catch (DirectiveException error)
        {
            return (prompt, createInvalid(error.Message));
        }
    }

    private static string ReadValue(string text, ref int position)
    {
        position++;
        var start = position;
        if (position == text.Length || text[position] != '"')
        {
            while (position < text.Length && !char.IsWhiteSpace(text[position])) position++;
            return text[start..position];
        }
        var value = new StringBuilder();
        for (position++; position < text.Length; position++)
        {
            if (text[position] == '"')
            {
                position++;
                return value.ToString();
            }
            if (text[position] == '\\' && position + 1 < text.Length) value.Append(text[++position] == 'n' ? '\n' : text[position]);
            else value.Append(text[position]);
        }
        throw new DirectiveException("the closing quote is missing");
    }
}
