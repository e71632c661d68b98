using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The texts of the Coze-hosted bots. The same script, prompt and seed always give the same text.</summary>
internal static class CozeBotText
{
    private const int MaxEchoLength = 400;

    private static readonly string[] PlainWords =
        ["the", "harbour", "wakes", "before", "its", "gulls", "and", "one", "lamp", "still", "counts", "boats", "in", "a", "low", "mist.", "Then"];

    // Characters of two, three and four bytes, a joined emoji, a combining mark, right-to-left text, Markdown, and characters that JSON must escape.
    private static readonly string[] UnicodeWords =
    [
        "plain", "größer", "你好,", "世界。", "🚀", "👩‍👩‍👧", "e\u0301", "שלום", "\"quoted\"", "back\\slash",
        "line\nbreak", "𝔘𝔫𝔦", "**bold**", "`code`", "€",
    ];

    public static string Create(CozeBotScript script, string prompt, int seed)
    {
        if (script.DirectiveError is { } error) return $"The sandbox cannot follow this prompt: {error}.";
        if (script.Notice is { } notice) return CozeNotices.All[notice];
        if (script.Say is { } say) return say;
        if (script.Length is { } length) return Generate(script.Unicode ? UnicodeWords : PlainWords, length, seed);
        return $"You said: {(script.Full ? prompt : Shorten(prompt))}\n\nThis is the Coze bot of the Discord sandbox, glad to hear from you.";
    }

    /// <summary>
    /// Splits a text into pieces of at most <paramref name="size"/> UTF-16 units. Surrogate pairs are not split, and with <paramref name="wholeWords"/> neither
    /// are words.
    /// </summary>
    public static List<string> Split(string text, int size, bool wholeWords = false)
    {
        var pieces = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = AvoidSurrogateSplit(text, Math.Min(text.Length, start + size));
            if (wholeWords && end < text.Length) end = text.LastIndexOfAny([' ', '\n'], end - 1, end - start) is >= 0 and var space ? space + 1 : end;
            pieces.Add(text[start..end]);
            start = end;
        }
        return pieces;
    }

    /// <summary>The length of the visible text after each of <paramref name="count"/> steps.</summary>
    public static int[] GetSteps(string text, int count) =>
        [.. Enumerable.Range(1, count).Select(step => AvoidSurrogateSplit(text, (int)((long)text.Length * step / count)))];

    private static int AvoidSurrogateSplit(string text, int end) => end > 1 && end < text.Length && char.IsHighSurrogate(text[end - 1]) ? end - 1 : end;

    private static string Generate(string[] words, int length, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        while (text.Length < length) text.Append(words[random.Next(words.Length)]).Append(' ');
        // Discord would change half of a surrogate pair or a space at the end, so a full stop replaces it.
        text.Length = length;
        if (char.IsHighSurrogate(text[^1]) || char.IsWhiteSpace(text[^1])) text[^1] = '.';
        return text.ToString();
    }

    private static string Shorten(string prompt) => prompt.Length <= MaxEchoLength ? prompt : prompt[..AvoidSurrogateSplit(prompt, MaxEchoLength)] + "…";
}

/// <summary>Coze's service messages, which it sends in place of a reply, by the names that directives use.</summary>
public static class CozeNotices
{
    private const string SaleLink = "(https://www.coze.com/premium?connectID=10000028&botID=7376964308913422354&source=discord&utm_medium=bot_message"
        + "&utm_campaign=message_credits_used_up&redirect=https%3A%2F%2Fwww.coze.com%2Fstore)";

    /// <summary>
    /// The service messages by name. <c>daily_limit</c>, <c>free_credits</c> and <c>daily_credits</c> are about the sender, <c>creator_credits</c> is
    /// about the bot.
    /// </summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["error"] = "Something wrong occurs, please retry. If the error persists, please contact the support team.",
        ["error_community"] = "Some error occurred. Please try again or contact the support team in our communities.",
        ["unusual_traffic"] = "We've detected unusual traffic from your network, so Coze is temporarily unavailable.",
        ["too_many_users"] = "There are too many users now. Please try again a bit later.",
        ["refusal"] = "I'm sorry, but I can't assist with that.",
        ["daily_limit"] = "You have exceeded the daily limit for sending messages to the bot. Please try again later.",
        ["free_credits"] = "Hi there! You've used up your free chat credits. To continue enjoying our service, please consider upgrading to our "
            + "premium plan [Upgrade to Coze Premium to chat]" + SaleLink,
        ["daily_credits"] = "Hi there! You've used up your credits for today. To continue enjoying our service, please try again tomorrow or "
            + "consider upgrading to our premium plan. [Upgrade to Coze Premium to chat]" + SaleLink,
        ["creator_credits"] = "The bot's usage is covered by the developer, but due to the developer's message credits being exhausted, "
            + "the bot is temporarily unavailable.",
    };
}
