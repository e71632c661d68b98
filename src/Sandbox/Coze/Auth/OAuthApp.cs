using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Sandbox.Coze;

/// <summary>A refused JWT or token request. The code is one of Coze's OAuth error codes.</summary>
internal sealed class OAuthException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}

/// <summary>
/// The OAuth app of the sandbox, for the JWT flow. Its id is fixed. Its key pair is created on first use, so that no file contains a
/// private key. Clients read the private key from <see cref="PrivateKeyPem"/> or from <c>GET /coze/sandbox/oauth-app</c>.
/// </summary>
public sealed class OAuthApp
{
    /// <summary>The id of the app: the <c>iss</c> claim of its JWTs.</summary>
    public const string AppId = "1100000000001";

    private static readonly HashSet<string> CozeHosts = new(StringComparer.OrdinalIgnoreCase) { "api.coze.com", "api.coze.cn" };
    private readonly Lazy<RSA> _key = new(() => RSA.Create(2048));
    private readonly ConcurrentDictionary<string, byte> _usedIds = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;

    internal OAuthApp(TimeProvider time) => _time = time;

    /// <summary>The <c>kid</c> header of JWTs: the fingerprint of the public key.</summary>
    public string KeyId => Base64Url.EncodeToString(SHA256.HashData(_key.Value.ExportSubjectPublicKeyInfo()));

    /// <summary>The private key that signs JWTs, PKCS#8 in PEM.</summary>
    public string PrivateKeyPem => _key.Value.ExportPkcs8PrivateKeyPem();

    /// <summary>
    /// Checks the signature, key, issuer, audience (<paramref name="host"/> or a real Coze host) and times, and that the JWT was not used
    /// before.
    /// </summary>
    /// <exception cref="OAuthException">One of them is invalid; the message says which.</exception>
    internal void Verify(string? jwt, string host)
    {
        var parts = jwt?.Split('.') ?? [];
        if (parts.Length != 3) throw Invalid("the bearer token is not a JWT");
        var header = Read(parts[0], CozeJson.Utf8.JwtHeader);
        var claims = Read(parts[1], CozeJson.Utf8.JwtClaims);

        if (header.Alg != "RS256") throw Invalid($"alg must be RS256, not {header.Alg}");
        if (header.Kid != KeyId) throw Invalid("kid is not the fingerprint of a key of the app");
        if (!_key.Value.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Decode(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
            throw Invalid("the signature does not match");

        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        if (claims.Iss != AppId) throw Invalid("iss is not the id of the app");
        if (claims.Aud is null || !(CozeHosts.Contains(claims.Aud) || claims.Aud.Equals(host, StringComparison.OrdinalIgnoreCase)))
            throw Invalid($"aud must be the bare host of the API, not '{claims.Aud}'");
        if (claims.Iat is null || claims.Exp is null || claims.Iat > now + 60) throw Invalid("iat and exp are required, and iat must not be in the future");
        if (claims.Exp <= now) throw Invalid("the JWT has expired");
        if (string.IsNullOrEmpty(claims.Jti)) throw Invalid("jti is required");
        if (!_usedIds.TryAdd(claims.Jti, 0)) throw Invalid("the JWT has been used");
    }

    internal void Reset() => _usedIds.Clear();

    private static T Read<T>(string part, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Decode(part), type) ?? throw Invalid("the bearer token is not a JWT");
        }
        catch (JsonException)
        {
            throw Invalid("the bearer token is not a JWT");
        }
    }

    private static byte[] Decode(string part)
    {
        try
        {
            return Base64Url.DecodeFromChars(part);
        }
        catch (FormatException)
        {
            throw Invalid("the bearer token is not a JWT");
        }
    }

    private static OAuthException Invalid(string message) => new("invalid_client", message);
}
