namespace CozeCluster.DiscordDrill;

/// <summary>The texts that bots say. Every word contains the mark of its reply and its position.</summary>
internal static class MarkedText
{
    private const int Words = 40;

    public static string Text(string mark) => string.Join(' ', Enumerable.Range(1, Words).Select(word => $"{mark}.{word}"));

    /// <summary>A prompt that makes a bot say <see cref="Text"/>.</summary>
    public static string Prompt(string mark, string directives) => $"{mark} [[say=\"{Text(mark)}\" {directives}]]";
}
