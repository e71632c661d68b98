using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// A tenant's own credential of an upstream, which came with one request. It exists in the request and in memory while the turn runs: it is neither stored nor
/// logged, and nothing but the accounts that take it (<see cref="AccountDefinition.CredentialFromRequest"/>) receives it.
/// </summary>
[GenerateSerializer, Immutable, Alias("request-credential")]
public sealed record RequestCredential
{
    /// <summary>The header of OpenAI's API that carries it: the upstream's name, a space and the credential.</summary>
    public const string Header = "x-upstream-authorization";

    /// <summary>The shortest credential, in characters. A shorter one could not be told from ordinary words in texts of the upstream.</summary>
    public const int MinLength = 8;

    /// <summary>The longest credential, in characters.</summary>
    public const int MaxLength = 4096;

    /// <summary>The name of the upstream that it is for (<c>openai</c>). No account of another upstream receives it.</summary>
    [Id(0)]
    public required string Upstream { get; init; }

    /// <summary>
    /// The credential: printable ASCII without spaces. It is not part of stored requests, so it is null in a request that another activation had accepted.
    /// </summary>
    [Id(1), JsonIgnore]
    public string? Value { get; init; }

    /// <summary>Whether a text can be a credential.</summary>
    public static bool IsValid(ReadOnlySpan<char> value) =>
        value.Length is >= MinLength and <= MaxLength && !value.ContainsAnyExceptInRange('!', '~');

    /// <summary>A text that never shows the credential.</summary>
    public override string ToString() => $"(credential for {Upstream})";
}

/// <summary>Makes credentials of requests usable for upstreams. One instance serves a process. Thread-safe.</summary>
public interface IRequestCredentials
{
    /// <summary>
    /// Seals a credential. Until the result is disposed, the credential is removed from every text that an upstream sends, within the caller's asynchronous
    /// method and everything that it calls.
    /// </summary>
    /// <exception cref="ArgumentException">The value is null.</exception>
    CredentialUse Use(RequestCredential credential);
}

/// <summary>The use of a credential in one exchange.</summary>
/// <param name="token">The sealed credential, in place of the account's token.</param>
/// <param name="onEnd">Ends the use.</param>
public sealed class CredentialUse(Secret token, Action onEnd) : IDisposable
{
    /// <summary>The account as the upstream has to use it.</summary>
    public AccountDefinition Apply(AccountDefinition account) => account with { Token = token };

    /// <inheritdoc />
    public void Dispose() => onEnd();
}
