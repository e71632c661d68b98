namespace CozeCluster.DiscordDrill;

/// <summary>What bots are made to say: every word tells whose it is and where it belongs.</summary>
internal static class Talk
{
    private const int Words = 40;

    public static string Text(string mark) => string.Join(' ', Enumerable.Range(1, Words).Select(word => $"{mark}.{word}"));

    public static string Prompt(string mark, string directives) => $"{mark} [[say=\"{Text(mark)}\" {directives}]]";
}
