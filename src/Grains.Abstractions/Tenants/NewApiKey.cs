using System.Security.Cryptography;

namespace CozeCluster;

/// <summary>An API key that was made a moment ago. Only the response to whoever asked for it contains its text.</summary>
/// <param name="Text">The key: <see cref="Prefix"/> and 32 letters and digits, which are 190 random bits.</param>
public sealed record NewApiKey(string Text)
{
    /// <summary>
    /// What every key begins with, so that tools that search files for secrets recognize it, by the expression <c>ccl_[0-9A-Za-z]{32}</c>.
    /// </summary>
    public const string Prefix = "ccl_";

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 32;
    private const int ShownLength = 4;

    /// <summary>What is stored of the key.</summary>
    public StoredApiKey Stored => new(GrainKeys.ApiKeyHash(Text), $"{Prefix}…{Text[^ShownLength..]}");

    /// <summary>Makes a key.</summary>
    public static NewApiKey Create() => new(Prefix + RandomNumberGenerator.GetString(Alphabet, RandomLength));

    /// <summary>A constant text. It never shows the key.</summary>
    public override string ToString() => "(key)";
}

/// <summary>What is stored of an API key.</summary>
/// <param name="Hash">See <see cref="GrainKeys.ApiKeyHash"/>.</param>
/// <param name="Hint">See <see cref="ApiKeyDefinition.Hint"/>.</param>
[GenerateSerializer, Immutable, Alias("stored-api-key")]
public sealed record StoredApiKey(string Hash, string Hint);
