using Microsoft.ML.Tokenizers;

namespace CozeCluster.Discord;

/// <summary>How the tokens of a turn are estimated. Discord reports none.</summary>
public enum DiscordTokens
{
    /// <summary>By OpenAI's encoding <c>cl100k_base</c>, as older systems for Discord did. The default.</summary>
    Cl100k,

    /// <summary>By OpenAI's encoding <c>o200k_base</c>.</summary>
    O200k,

    /// <summary>Not at all: the usage of replies is zero.</summary>
    Off,
}

/// <summary>Estimates the tokens of turns. The vocabularies are loaded at their first use. Thread-safe.</summary>
internal static class TokenCounts
{
    private static readonly Lazy<Tokenizer> Cl100k = new(() => TiktokenTokenizer.CreateForEncoding("cl100k_base"));
    private static readonly Lazy<Tokenizer> O200k = new(() => TiktokenTokenizer.CreateForEncoding("o200k_base"));

    /// <summary>Estimates the usage of a turn. The hidden prompt of the bot is not part of it, because nobody but the bot knows it.</summary>
    /// <param name="turn">The turn. The texts of its messages count.</param>
    /// <param name="reply">The text of the reply.</param>
    /// <param name="encoding">The encoding. It must not be <see cref="DiscordTokens.Off"/>.</param>
    public static Usage Estimate(UpstreamTurn turn, string reply, DiscordTokens encoding)
    {
        var tokenizer = encoding == DiscordTokens.O200k ? O200k.Value : Cl100k.Value;
        var input = turn.Messages.SelectMany(message => message.Content).OfType<TextContent>().Sum(part => (long)tokenizer.CountTokens(part.Text));
        long output = tokenizer.CountTokens(reply);
        return new Usage(input, output, input + output) { IsEstimated = true };
    }
}
