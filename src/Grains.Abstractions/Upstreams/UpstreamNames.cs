namespace CozeCluster;

/// <summary>The names of upstreams in fleets, and what every process has to know of an upstream, also one that does not host it.</summary>
public static class UpstreamNames
{
    /// <summary>Coze's API.</summary>
    public const string Coze = "coze";

    /// <summary>Coze's bots on Discord.</summary>
    public const string Discord = "discord";

    /// <summary>OpenAI, and every server with the same API.</summary>
    public const string OpenAi = "openai";

    /// <summary>Anthropic's API.</summary>
    public const string Claude = "claude";

    /// <summary>Google's Gemini API.</summary>
    public const string Gemini = "gemini";

    /// <summary>The upstreams that serve language models.</summary>
    public static IReadOnlyList<string> LanguageModels { get; } = [OpenAi, Claude, Gemini];

    /// <summary>Whether the upstream serves language models instead of bots: see <see cref="IUpstream.IsLanguageModel"/>.</summary>
    public static bool IsLanguageModel(string? upstream) => upstream is OpenAi or Claude or Gemini;
}
