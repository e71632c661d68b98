using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class OAuthTests
{
    private const string JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Token_ForAValidJwt_IsValidUntilItsExpiry()
    {
        await using var client = await StartAsync();

        var token = await ExchangeAsync(client, Sign(client, Claims("j1")), seconds: 600);

        Assert.StartsWith("czs_", (string?)token["access_token"]);
        Assert.Equal(_time.GetUtcNow().ToUnixTimeSeconds() + 600, (long)token["expires_in"]!);
        client.Token = (string?)token["access_token"];
        Assert.Equal(0, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
        _time.Advance(TimeSpan.FromSeconds(600));
        Assert.Equal(700012006, (int)(await client.GetAsync("v1/workspaces"))["code"]!);
    }

    [Fact]
    public async Task Token_WithoutDuration_IsValidFor900Seconds()
    {
        await using var client = await StartAsync();

        var token = await ExchangeAsync(client, Sign(client, Claims("j1")), seconds: null);

        Assert.Equal(_time.GetUtcNow().ToUnixTimeSeconds() + 900, (long)token["expires_in"]!);
    }

    [Fact]
    public async Task Token_ForAUsedJwt_IsRefused()
    {
        await using var client = await StartAsync();
        var jwt = Sign(client, Claims("j1"));
        await ExchangeAsync(client, jwt);

        Assert.Equal("invalid_client", (string?)(await ExchangeAsync(client, jwt))["error_code"]);
    }

    [Theory]
    [InlineData("iss", "\"1\"", "iss")]
    [InlineData("aud", "\"https://api.coze.com\"", "aud")]
    [InlineData("aud", "null", "aud")]
    [InlineData("exp", "1", "expired")]
    [InlineData("iat", "99999999999", "iat")]
    [InlineData("jti", "null", "jti")]
    public async Task Token_ForAnInvalidClaim_IsRefusedAndTheErrorNamesTheClaim(string claim, string value, string expectedText)
    {
        await using var client = await StartAsync();
        var claims = Claims("j1");
        claims[claim] = JsonNode.Parse(value);

        var response = await ExchangeAsync(client, Sign(client, claims));

        Assert.Equal("invalid_client", (string?)response["error_code"]);
        Assert.Contains(expectedText, (string?)response["error_message"]);
        Assert.Null(response["access_token"]);
    }

    [Theory]
    [InlineData("api.coze.cn")]
    [InlineData("127.0.0.1")]
    public async Task Token_ForTheRequestHostOrARealHost_IsIssued(string audience)
    {
        await using var client = await StartAsync();
        var claims = Claims("j1");
        claims["aud"] = audience;

        Assert.NotNull((await ExchangeAsync(client, Sign(client, claims)))["access_token"]);
    }

    [Fact]
    public async Task Token_SignedWithAnotherKey_IsRefused()
    {
        await using var client = await StartAsync();
        using var other = RSA.Create(2048);

        Assert.Contains("signature", (string?)(await ExchangeAsync(client, Sign(client, Claims("j1"), other)))["error_message"]);
    }

    [Fact]
    public async Task Token_ForAnUnknownKeyId_IsRefused()
    {
        await using var client = await StartAsync();

        Assert.Contains("kid", (string?)(await ExchangeAsync(client, Sign(client, Claims("j1"), keyId: "other")))["error_message"]);
    }

    [Theory]
    [InlineData("not.a.jwt")]
    [InlineData("nonsense")]
    public async Task Token_ForAMalformedJwt_IsRefused(string jwt)
    {
        await using var client = await StartAsync();

        Assert.Equal("invalid_client", (string?)(await ExchangeAsync(client, jwt))["error_code"]);
    }

    [Theory]
    [InlineData("password", 900, "unsupported_grant_type")]
    [InlineData(JwtBearer, 86_400, "invalid_request")]
    [InlineData(JwtBearer, 0, "invalid_request")]
    public async Task Token_ForAnInvalidRequest_IsRefused(string grant, int seconds, string error)
    {
        await using var client = await StartAsync();

        Assert.Equal(error, (string?)(await ExchangeAsync(client, Sign(client, Claims("j1")), seconds, grant))["error_code"]);
    }

    private Task<CozeClient> StartAsync() => CozeClient.StartAsync(new SandboxOptions { Time = _time });

    private JsonObject Claims(string id)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        return new JsonObject { ["iss"] = OAuthApp.AppId, ["aud"] = "api.coze.com", ["iat"] = now, ["exp"] = now + 3600, ["jti"] = id };
    }

    private static string Sign(CozeClient client, JsonObject claims, RSA? key = null, string? keyId = null)
    {
        using var own = RSA.Create();
        own.ImportFromPem(client.Coze.OAuth.PrivateKeyPem);
        var header = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = keyId ?? client.Coze.OAuth.KeyId };
        var signed = $"{Encode(header)}.{Encode(claims)}";
        var signature = (key ?? own).SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    private static string Encode(JsonNode json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static async Task<JsonNode> ExchangeAsync(CozeClient client, string jwt, int? seconds = 900, string grant = JwtBearer)
    {
        var body = new JsonObject { ["grant_type"] = grant };
        if (seconds is not null) body["duration_seconds"] = seconds;
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/permission/oauth2/token") { Content = new StringContent(body.ToJsonString()) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", jwt);
        using var response = await client.Http.SendAsync(request, client.TimeoutToken);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!;
    }
}
