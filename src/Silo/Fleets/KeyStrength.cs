namespace CozeCluster.Silo.Fleets;

/// <summary>Estimates whether an API key is easy to guess. It recognizes short keys, words, repetitions and sequences, not every bad key.</summary>
internal static class KeyStrength
{
    /// <summary>Shorter keys are weak.</summary>
    private const int MinLength = 16;

    /// <summary>A key without digits and capital letters is probably made of words, which are easier to guess than random letters.</summary>
    private const int MinLengthOfWords = 24;

    /// <summary>A random key of 16 letters and digits has about 58 by this estimate, one of 32 hexadecimal digits about 100.</summary>
    private const double MinBits = 45;

    public static bool IsWeak(string key)
    {
        if (key.Length < MinLength) return true;
        if (key.Length < MinLengthOfWords && !key.Any(c => char.IsAsciiDigit(c) || char.IsAsciiLetterUpper(c))) return true;
        var unexpected = 1;
        for (var i = 1; i < key.Length; i++)
        {
            // "aaaa", "1234" and "dcba" add little to what their first character says.
            if (Math.Abs(key[i] - key[i - 1]) > 1 && !Repeats(key, i)) unexpected++;
        }
        return unexpected * Math.Log2(key.Distinct().Count()) < MinBits;
    }

    /// <summary>Whether three characters that end here occur earlier in the key.</summary>
    private static bool Repeats(string key, int i) => i >= 3 && key.AsSpan(0, i).IndexOf(key.AsSpan(i - 2, 3)) >= 0;
}
