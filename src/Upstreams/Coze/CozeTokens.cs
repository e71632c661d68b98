using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// Provides the bearer tokens of accounts. Personal and service tokens are used as they are. OAuth tokens are requested with a signed claim, cached, and
/// renewed before they expire. One request at a time renews a token; meanwhile all other requests use the old one.
/// </summary>
internal sealed class CozeTokens(CozeHttp http, ISecretSeal seal, TimeProvider time, ILogger logger)
{
    // Coze returns the end of a token's lifetime as a Unix time. A smaller number (before 2001) can only be a number of seconds from now.
    private const long MinUnixTime = 1_000_000_000;

    private readonly ConcurrentDictionary<string, CachedToken> _cache = new(StringComparer.Ordinal);

    /// <summary>Gets the token of an account.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamUnauthorized"/>: the account has no credential, or Coze does not accept it. Other codes: the request for a token failed.
    /// </exception>
    public ValueTask<string> Get(AccountDefinition account, CancellationToken cancellationToken)
    {
        if (account.Token is { } token) return new ValueTask<string>(seal.Open(token).Trim());
        if (account.OAuth is null)
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnauthorized, $"Account '{account.Id}' has neither a token nor an OAuth application. Add one to the fleet file.");
        }

        var cached = GetCached(account);
        Task<string> fetch;
        lock (cached)
        {
            var now = time.GetUtcNow();
            var isValid = cached.Token is not null && now < cached.ExpiresAt;
            if (isValid && now < cached.RenewAt) return new ValueTask<string>(cached.Token!);
            fetch = cached.Fetch ??= Task.Run(() => Fetch(account, cached), CancellationToken.None);
            if (isValid) return new ValueTask<string>(cached.Token!);
        }
        return new ValueTask<string>(fetch.WaitAsync(cancellationToken));
    }

    /// <summary>Removes a token that Coze refused from the cache.</summary>
    public void Invalidate(AccountDefinition account, string token)
    {
        if (!_cache.TryGetValue(account.Id, out var cached)) return;
        lock (cached)
        {
            if (cached.Token == token) cached.Token = null;
        }
    }

    // A token is valid only for the credential it was requested with. A changed credential starts with an empty entry.
    private CachedToken GetCached(AccountDefinition account)
    {
        var cached = _cache.GetOrAdd(account.Id, static (_, account) => new CachedToken(account.BaseUrl, account.OAuth!), account);
        if (cached.BaseUrl == account.BaseUrl && cached.OAuth == account.OAuth) return cached;
        return _cache[account.Id] = new CachedToken(account.BaseUrl, account.OAuth!);
    }

    [SuppressMessage("Reliability", "CA2016", Justification = "Several callers share the result. It has a timeout of its own.")]
    private async Task<string> Fetch(AccountDefinition account, CachedToken cached)
    {
        try
        {
            using var timeout = new CancellationTokenSource(CozeLimits.TokenTimeout, time);
            var (token, expiresAt) = await RequestToken(account, timeout.Token).ConfigureAwait(false);
            logger.TokenReceived(account.Id, expiresAt);
            lock (cached)
            {
                var lead = (expiresAt - time.GetUtcNow()) / 5;
                cached.Token = token;
                cached.ExpiresAt = expiresAt;
                cached.RenewAt = expiresAt - (lead < CozeLimits.MaxTokenRenewalLead ? lead : CozeLimits.MaxTokenRenewalLead);
                cached.Fetch = null;
            }
            return token;
        }
        catch (Exception e)
        {
            logger.TokenFailed(e, account.Id);
            lock (cached)
            {
                cached.Fetch = null;
                cached.RenewAt = time.GetUtcNow() + CozeLimits.TokenRenewalPause;
            }
            if (e is not OperationCanceledException) throw;
            throw new ClusterException(
                ErrorCode.UpstreamTimeout, $"Coze returned no access token for account '{account.Id}' within {CozeLimits.TokenTimeout.TotalSeconds} s.");
        }
    }

    private async Task<(string Token, DateTimeOffset ExpiresAt)> RequestToken(AccountDefinition account, CancellationToken cancellationToken)
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
        SecretsInUse.Note(claim);
        var answer = await http.Send(account, claim, path, CozeJson.Content(body), cancellationToken).ConfigureAwait(false);

        if (answer.GetText("access_token"u8) is null) answer = answer.GetMember("data"u8);
        if (answer.GetText("access_token"u8) is not { Length: > 0 } token)
            throw new ClusterException(ErrorCode.UpstreamProtocol, $"Coze's OAuth server answered without an access token for account '{account.Id}'.");
        SecretsInUse.Note(token);
        var now = time.GetUtcNow();
        var expiresAt = answer.GetNumber("expires_in"u8) switch
        {
            null or <= 0 => now + lifetime,
            >= MinUnixTime and { } moment => DateTimeOffset.FromUnixTimeSeconds(Math.Min(moment, DateTimeOffset.MaxValue.ToUnixTimeSeconds())),
            { } seconds => now + TimeSpan.FromSeconds(seconds),
        };
        return (token, expiresAt);
    }

    private sealed class CachedToken(string baseUrl, OAuthDefinition oauth)
    {
        public string BaseUrl { get; } = baseUrl;

        public OAuthDefinition OAuth { get; } = oauth;

        public string? Token { get; set; }

        public DateTimeOffset ExpiresAt { get; set; }

        public DateTimeOffset RenewAt { get; set; }

        /// <summary>The running request for a token; null if there is none.</summary>
        public Task<string>? Fetch { get; set; }
    }
}

/// <summary>Signs the claim (a JWT, RS256) that Coze's OAuth server exchanges for an access token. Each claim can be used once.</summary>
internal static class CozeJwt
{
    /// <summary>Signs a new claim, valid for <see cref="CozeLimits.ClaimLifetime"/>.</summary>
    /// <param name="account">An account with <see cref="AccountDefinition.OAuth"/>.</param>
    /// <param name="privateKey">An RSA key in PEM format. Line breaks may be written as <c>\n</c>, which is common in environment variables.</param>
    /// <param name="now">The time for the claim <c>iat</c>.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnauthorized"/>: the key is unreadable.</exception>
    public static string Sign(AccountDefinition account, string privateKey, DateTimeOffset now)
    {
        var oauth = account.OAuth!;
        var header = CozeJson.Write(oauth.KeyId, static (json, keyId) =>
        {
            json.WriteStartObject();
            json.WriteString("alg"u8, "RS256"u8);
            json.WriteString("typ"u8, "JWT"u8);
            json.WriteString("kid"u8, keyId);
            json.WriteEndObject();
        });
        var claims = CozeJson.Write((oauth.AppId, Host: new Uri(account.BaseUrl).Host, now), static (json, claim) =>
        {
            json.WriteStartObject();
            json.WriteString("iss"u8, claim.AppId);
            json.WriteString("aud"u8, claim.Host);
            json.WriteNumber("iat"u8, claim.now.ToUnixTimeSeconds());
            json.WriteNumber("exp"u8, (claim.now + CozeLimits.ClaimLifetime).ToUnixTimeSeconds());
            json.WriteString("jti"u8, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
            json.WriteEndObject();
        });
        var signed = $"{Base64Url.EncodeToString(header.Span)}.{Base64Url.EncodeToString(claims.Span)}";
        using var key = ImportKey(account, privateKey);
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    private static RSA ImportKey(AccountDefinition account, string privateKey)
    {
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(privateKey.Replace("\\n", "\n", StringComparison.Ordinal));
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            // Without the inner exception, which might quote the key.
            throw new ClusterException(
                ErrorCode.UpstreamUnauthorized,
                $"The private key of account '{account.Id}' is not an RSA private key in PEM format. Correct it in the fleet file.");
        }
    }
}
