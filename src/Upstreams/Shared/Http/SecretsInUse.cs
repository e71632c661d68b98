using System.Collections.Concurrent;
using System.Text;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>
/// The secrets that this process sends to upstreams: tokens, keys, addresses of proxies, access tokens. <see cref="UpstreamText.Clean"/> removes them from
/// every text that an upstream sent, whatever their form is. Thread-safe.
/// </summary>
internal static class SecretsInUse
{
    /// <summary>What stands in place of a secret.</summary>
    public const string Substitute = "(token)";

    // Shorter ones would make ordinary words unreadable, and protect nothing.
    private const int MinLength = 4;

    // A secret of this length is also recognised by its first half, because servers and their error texts cut what they repeat.
    private const int MinLengthToCut = 16;

    private const int MaxCount = 20_000;

    private static readonly ConcurrentDictionary<string, long> Known = new(StringComparer.Ordinal);
    private static readonly AsyncLocal<string?> OfRequest = new();
    private static readonly Lock Gate = new();
    private static long _clock;

    // The longest first, because a secret may be part of another one. Null after a change.
    private static string[]? _sorted;

    /// <summary>
    /// Notes a secret. An address counts with the user name and password in it. A secret that has not been noted again for a long time may be forgotten in
    /// favour of others.
    /// </summary>
    public static void Note(string secret)
    {
        secret = secret.Trim();
        Add(secret);
        if (!IsAddress(secret) || !Uri.TryCreate(secret, UriKind.Absolute, out var address) || address.UserInfo.Length == 0) return;
        Add(address.UserInfo);
        var password = address.UserInfo[(address.UserInfo.IndexOf(':') + 1)..];
        Add(password);
        Add(Uri.UnescapeDataString(password));
        // As an HTTP proxy receives it.
        Add(Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(address.UserInfo))));
    }

    /// <summary>Notes the credential of a request within the caller's asynchronous method and everything that it calls.</summary>
    /// <returns>Ends that.</returns>
    public static Action NoteOfRequest(string secret)
    {
        OfRequest.Value = secret;
        return static () => OfRequest.Value = null;
    }

    /// <summary>Whether a secret is the credential of the request that is being served here.</summary>
    public static bool IsOfRequest(string secret) => string.Equals(OfRequest.Value, secret, StringComparison.Ordinal);

    /// <summary>Replaces every noted secret in a text.</summary>
    public static string Remove(string text)
    {
        string[] sorted;
        lock (Gate) sorted = _sorted ??= [.. Known.Keys.OrderByDescending(secret => secret.Length)];
        foreach (var secret in sorted) text = Remove(text, secret);
        // Last: a tenant chooses it, and it could be a part of a secret of the fleet.
        return OfRequest.Value is { } ofRequest ? Remove(text, ofRequest) : text;
    }

    /// <summary>Replaces one secret in a text. A long one is also recognised in other case, and if no more than its first half is there.</summary>
    public static string Remove(string text, string secret)
    {
        if (secret.Length < MinLengthToCut) return text.Replace(secret, Substitute, StringComparison.Ordinal);
        var searched = IsAddress(secret) ? secret.AsSpan() : secret.AsSpan(0, (secret.Length + 1) / 2);
        var from = 0;
        while (text.AsSpan(from).IndexOf(searched, StringComparison.OrdinalIgnoreCase) is >= 0 and var found)
        {
            var start = from + found;
            var length = searched.Length;
            while (length < secret.Length && start + length < text.Length
                && char.ToUpperInvariant(text[start + length]) == char.ToUpperInvariant(secret[length]))
                length++;
            text = string.Concat(text.AsSpan(0, start), Substitute, text.AsSpan(start + length));
            from = start + Substitute.Length;
        }
        return text;
    }

    private static void Add(string secret)
    {
        // The word in the substitute is no secret, and would be replaced in it.
        if (secret.Length < MinLength || Substitute.Contains(secret, StringComparison.OrdinalIgnoreCase)) return;
        var isNew = !Known.ContainsKey(secret);
        Known[secret] = Interlocked.Increment(ref _clock);
        if (!isNew) return;
        lock (Gate)
        {
            _sorted = null;
            if (Known.Count <= MaxCount) return;
            foreach (var (old, _) in Known.OrderBy(known => known.Value).Take(MaxCount / 2)) Known.TryRemove(old, out _);
        }
    }

    // The beginning of an address is not secret, so half of an address does not identify it.
    private static bool IsAddress(string secret) => secret.Contains("://", StringComparison.Ordinal);
}

/// <summary>A seal that notes each secret that it opens in <see cref="SecretsInUse"/>.</summary>
internal sealed class NotingSeal(ISecretSeal seal) : ISecretSeal
{
    /// <inheritdoc />
    public Secret Seal(string plain) => seal.Seal(plain);

    /// <inheritdoc />
    public string Open(Secret secret)
    {
        var plain = seal.Open(secret);
        if (!SecretsInUse.IsOfRequest(plain)) SecretsInUse.Note(plain);
        return plain;
    }
}

/// <summary>Removes the <see cref="SecretsInUse"/> and what looks like a token.</summary>
internal sealed class SecretFilter : ISecretFilter
{
    /// <inheritdoc />
    public string Remove(string text) => UpstreamText.RemoveSecrets(text);
}
