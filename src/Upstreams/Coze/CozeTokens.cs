using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using CozeCluster.Upstreams.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// The bearer tokens of accounts. Personal and service tokens are sent as they are. OAuth tokens are fetched for a signed claim, kept, and renewed ahead of their
/// end by one request at a time, while those who need a token go on with the old one.
/// </summary>
internal sealed class CozeTokens(CozeHttp http, ISecretSeal seal, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestLead = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(10);

    // Coze's own words for a time are absolute; below this (in 2001) it can only be a number of seconds from now.
    private const long LeastUnixTime = 1_000_000_000;

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>The account's token.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnauthorized"/>: it has none, or none can be had for it.</exception>
    public ValueTask<string> Get(AccountDefinition account, CancellationToken cancellationToken)
    {
        if (account.Token is { } token) return new ValueTask<string>(seal.Open(token).Trim());
        if (account.OAuth is null)
            throw new ClusterException(ErrorCode.UpstreamUnauthorized, $"The account '{account.Id}' has neither a token nor an OAuth application.");

        var entry = EntryOf(account);
        Task<string> fetch;
        lock (entry)
        {
            var now = time.GetUtcNow();
            var usable = entry.Token is not null && now < entry.ExpiresAt;
            if (usable && now < entry.RenewAt) return new ValueTask<string>(entry.Token!);
            fetch = entry.Fetch ??= Task.Run(() => Fetch(account, entry), CancellationToken.None);
            if (usable) return new ValueTask<string>(entry.Token!);
        }
        return new ValueTask<string>(fetch.WaitAsync(cancellationToken));
    }

    /// <summary>Forgets a token that Coze refused.</summary>
    public void Drop(AccountDefinition account, string token)
    {
        if (!_entries.TryGetValue(account.Id, out var entry)) return;
        lock (entry)
        {
            if (entry.Token == token) entry.Token = null;
        }
    }

    // A token belongs to the credential it was fetched with: a changed one starts anew.
    private Entry EntryOf(AccountDefinition account)
    {
        var entry = _entries.GetOrAdd(account.Id, static (_, account) => new Entry(account.BaseUrl, account.OAuth!), account);
        if (entry.BaseUrl == account.BaseUrl && entry.OAuth == account.OAuth) return entry;
        return _entries[account.Id] = new Entry(account.BaseUrl, account.OAuth!);
    }

    [SuppressMessage("Reliability", "CA2016", Justification = "Shared by all who wait for the token; bounded by its own time-out")]
    private async Task<string> Fetch(AccountDefinition account, Entry entry)
    {
        try
        {
            using var timeout = new CancellationTokenSource(FetchTimeout, time);
            var (token, expiresAt) = await Request(account, timeout.Token).ConfigureAwait(false);
            logger.TokenMinted(account.Id, expiresAt);
            lock (entry)
            {
                var life = expiresAt - time.GetUtcNow();
                entry.Token = token;
                entry.ExpiresAt = expiresAt;
                entry.RenewAt = expiresAt - (life / 5 < LongestLead ? life / 5 : LongestLead);
                entry.Fetch = null;
            }
            return token;
        }
        catch (Exception e)
        {
            logger.TokenFailed(e, account.Id);
            lock (entry)
            {
                entry.Fetch = null;
                entry.RenewAt = time.GetUtcNow() + PauseAfterFailure;
            }
            if (e is not OperationCanceledException) throw;
            throw new ClusterException(ErrorCode.UpstreamTimeout, $"Coze gave no access token for account '{account.Id}' within {FetchTimeout.TotalSeconds} s.");
        }
    }

    private async Task<(string Token, DateTimeOffset ExpiresAt)> Request(AccountDefinition account, CancellationToken cancellationToken)
    {
        var oauth = account.OAuth!;
        var lifetime = CozeAccountOptions.Parse(account).TokenLifetime;
        var body = CozeJson.Write(lifetime, static (json, lifetime) =>
        {
            json.WriteStartObject();
            json.WriteString("grant_type"u8, "urn:ietf:params:oauth:grant-type:jwt-bearer"u8);
            json.WriteNumber("duration_seconds"u8, (long)lifetime.TotalSeconds);
            json.WriteEndObject();
        });
        var path = oauth.EnterpriseAccountId is { Length: > 0 } enterprise
            ? $"/api/permission/oauth2/account/{Uri.EscapeDataString(enterprise)}/token"
            : "/api/permission/oauth2/token";
        var claim = CozeJwt.Sign(account, seal.Open(oauth.PrivateKey), time.GetUtcNow());
        var answer = await http.Send(account, claim, path, CozeJson.Content(body), cancellationToken).ConfigureAwait(false);

        if (answer.Text("access_token"u8) is null) answer = answer.Member("data"u8);
        if (answer.Text("access_token"u8) is not { Length: > 0 } token)
            throw new ClusterException(ErrorCode.UpstreamProtocol, $"Coze's OAuth server answered without an access token for account '{account.Id}'.");
        var now = time.GetUtcNow();
        var expiresAt = answer.Number("expires_in"u8) switch
        {
            null or <= 0 => now + lifetime,
            >= LeastUnixTime and { } moment => DateTimeOffset.FromUnixTimeSeconds(Math.Min(moment, DateTimeOffset.MaxValue.ToUnixTimeSeconds())),
            { } seconds => now + TimeSpan.FromSeconds(seconds),
        };
        return (token, expiresAt);
    }

    private sealed class Entry(string baseUrl, OAuthDefinition oauth)
    {
        public string BaseUrl { get; } = baseUrl;

        public OAuthDefinition OAuth { get; } = oauth;

        public string? Token { get; set; }

        public DateTimeOffset ExpiresAt { get; set; }

        public DateTimeOffset RenewAt { get; set; }

        public Task<string>? Fetch { get; set; }
    }
}
