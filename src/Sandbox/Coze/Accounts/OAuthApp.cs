using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Accounts;

/// <summary>A JWT that is not honoured; the code is one of Coze's OAuth errors.</summary>
internal sealed class OAuthException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}

/// <summary>
/// The OAuth app of the sandbox (JWT flow). Its id is fixed; its key pair is made on first use, so that no private key stands in a file.
/// Clients read the private key from <see cref="PrivateKeyPem"/> or from <c>GET /coze/sandbox/oauth-app</c>.
/// </summary>
public sealed class OAuthApp
{
    /// <summary>The <c>iss</c> claim.</summary>
    public const string AppId = "1100000000001";

    private static readonly HashSet<string> KnownAudiences = new(StringComparer.OrdinalIgnoreCase) { "api.coze.com", "api.coze.cn" };
    private readonly Lazy<RSA> _key = new(() => RSA.Create(2048));
    private readonly ConcurrentDictionary<string, byte> _spent = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;

    internal OAuthApp(TimeProvider time) => _time = time;

    /// <summary>The <c>kid</c> header: fingerprint of the public key.</summary>
    public string KeyId => Base64Url.EncodeToString(SHA256.HashData(_key.Value.ExportSubjectPublicKeyInfo()));

    /// <summary>The private key to sign with, PKCS#8 in PEM.</summary>
    public string PrivateKeyPem => _key.Value.ExportPkcs8PrivateKeyPem();

    /// <summary>Checks signature, key, issuer, audience (<paramref name="host"/> or a real Coze host), times, and that the JWT is new.</summary>
    /// <exception cref="OAuthException">One of them is wrong; the message says which.</exception>
    internal JwtClaims Verify(string? jwt, string host)
    {
        var parts = jwt?.Split('.') ?? [];
        if (parts.Length != 3) throw Invalid("the bearer token is no JWT");
        var header = Read(parts[0], CozeJson.Wire.JwtHeader);
        var claims = Read(parts[1], CozeJson.Wire.JwtClaims);

        if (header.Alg != "RS256") throw Invalid($"alg must be RS256, not {header.Alg}");
        if (header.Kid != KeyId) throw Invalid("kid is not the fingerprint of a key of the app");
        if (!_key.Value.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Decode(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
            throw Invalid("the signature does not match");

        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        if (claims.Iss != AppId) throw Invalid("iss is not the id of the app");
        if (claims.Aud is null || !(KnownAudiences.Contains(claims.Aud) || claims.Aud.Equals(host, StringComparison.OrdinalIgnoreCase)))
            throw Invalid($"aud must be the bare host of the API, not '{claims.Aud}'");
        if (claims.Iat is null || claims.Exp is null || claims.Iat > now + 60) throw Invalid("iat and exp are needed, and iat not in the future");
        if (claims.Exp <= now) throw Invalid("the JWT has expired");
        if (string.IsNullOrEmpty(claims.Jti)) throw Invalid("jti is needed");
        if (!_spent.TryAdd(claims.Jti, 0)) throw Invalid("the JWT has been used");
        return claims;
    }

    internal void Reset() => _spent.Clear();

    private static T Read<T>(string part, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Decode(part), type) ?? throw Invalid("the bearer token is no JWT");
        }
        catch (JsonException)
        {
            throw Invalid("the bearer token is no JWT");
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
            throw Invalid("the bearer token is no JWT");
        }
    }

    private static OAuthException Invalid(string message) => new("invalid_client", message);
}
