using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Upstreams.Coze;

/// <summary>The signed claim that Coze's OAuth server trades for an access token (RS256). Each works once.</summary>
internal static class CozeJwt
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>Signs a new claim.</summary>
    /// <param name="account">With <see cref="AccountDefinition.OAuth"/>.</param>
    /// <param name="privateKey">PEM, RSA; line breaks may be written <c>\n</c>, as environment variables often have them.</param>
    /// <param name="now">Claim <c>iat</c>.</param>
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
            json.WriteNumber("exp"u8, (claim.now + Lifetime).ToUnixTimeSeconds());
            json.WriteString("jti"u8, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
            json.WriteEndObject();
        });
        var signed = $"{Base64Url.EncodeToString(header.Span)}.{Base64Url.EncodeToString(claims.Span)}";
        using var key = Import(account, privateKey);
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    private static RSA Import(AccountDefinition account, string privateKey)
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
            // Not the inner exception: what it quotes is not known.
            throw new ClusterException(ErrorCode.UpstreamUnauthorized, $"The private key of account '{account.Id}' is not an RSA private key in PEM form.");
        }
    }
}
