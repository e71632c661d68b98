using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeTokensTests
{
    private static readonly string Hello = Wire.Created + Wire.Delta("Hello") + Wire.MessageCompleted("answer", "Hello") + Wire.Completed;

    private static readonly RSA Key = RSA.Create(2048);

    private readonly ManualTime _time = new();
    private readonly List<string> _claims = [];
    private string[] _refused = [];
    private Func<string, string>? _answer;
    private int _tokens;

    [Fact]
    public async Task Get_OAuth_ExchangesASignedClaimForAToken()
    {
        await using var server = await Start();
        using var rig = Rig(server);

        Assert.Equal("Hello", (await rig.Run(rig.Turn("Hi"))).Answer);

        var request = server.Requests.First();
        Assert.Equal("/api/permission/oauth2/token", request.Path);
        Assert.Equal("""{"grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer","duration_seconds":3600}""", request.Text);
        var parts = request.Authorization!["Bearer ".Length..].Split('.');
        Assert.True(Key.VerifyData(
            Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Assert.Equal("""{"alg":"RS256","typ":"JWT","kid":"kid-1"}""", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[0])));
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!;
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        Assert.Equal(("app-1", "127.0.0.1", now, now + 3600), ((string?)claims["iss"], (string?)claims["aud"], (long)claims["iat"]!, (long)claims["exp"]!));
        Assert.True(((string?)claims["jti"])!.Length >= 32);
        Assert.Equal("Bearer czs_1", server.Requests.Last().Authorization);
    }

    [Fact]
    public async Task Get_ValidToken_IsRequestedOnce()
    {
        await using var server = await Start();
        using var rig = Rig(server);

        for (var i = 0; i < 3; i++) await rig.Run(rig.Turn("Hi"));
        _time.Advance(TimeSpan.FromMinutes(50));
        await rig.Run(rig.Turn("Hi"));

        Assert.Equal(1, _tokens);
    }

    [Fact]
    public async Task Get_InParallel_RequestsOnce()
    {
        await using var server = await Start();
        using var rig = Rig(server);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => rig.Run(rig.Turn("Hi"))));

        Assert.Equal(1, _tokens);
    }

    [Fact]
    public async Task Get_BeforeTheTokenExpires_RenewsInTheBackground()
    {
        await using var server = await Start();
        using var rig = Rig(server);
        await rig.Run(rig.Turn("Hi"));

        _time.Advance(TimeSpan.FromMinutes(56));
        await rig.Run(rig.Turn("Hi"));
        Assert.Equal("Bearer czs_1", Chats(server).Last());
        while (Volatile.Read(ref _tokens) < 2 || !rig.Logger.Text.Contains("01:56")) await Task.Yield();
        await rig.Run(rig.Turn("Hi"));

        Assert.Equal("Bearer czs_2", Chats(server).Last());
        Assert.Equal(2, _claims.Distinct().Count());
    }

    [Fact]
    public async Task Get_ExpiredToken_WaitsForANewOne()
    {
        await using var server = await Start();
        using var rig = Rig(server);
        await rig.Run(rig.Turn("Hi"));

        _time.Advance(TimeSpan.FromMinutes(61));
        await rig.Run(rig.Turn("Hi"));

        Assert.Equal(["Bearer czs_1", "Bearer czs_2"], Chats(server));
    }

    [Theory]
    [InlineData("{\"access_token\":\"czs_x\",\"expires_in\":600}")]
    [InlineData("{\"access_token\":\"czs_x\",\"expires_in\":\"600\"}")]
    [InlineData("{\"code\":0,\"data\":{\"access_token\":\"czs_x\",\"expires_in\":600}}")]
    [InlineData("{\"access_token\":\"czs_x\",\"expires_in\":600,\"error_code\":\"\",\"error_message\":\"\",\"error\":\"\"}")]
    public async Task Get_RelativeLifetime_IsRecognised(string answer)
    {
        _answer = _ => answer;
        await using var server = await Start();
        using var rig = Rig(server);

        await rig.Run(rig.Turn("Hi"));
        _time.Advance(TimeSpan.FromMinutes(7));
        await rig.Run(rig.Turn("Hi"));
        Assert.Equal(1, _tokens);
        _time.Advance(TimeSpan.FromMinutes(4));
        await rig.Run(rig.Turn("Hi"));

        Assert.Equal(2, _tokens);
    }

    [Theory]
    [InlineData(401, """{"code":4100,"msg":"expired"}""")]
    [InlineData(200, """{"code":700012006,"msg":"expired"}""")]
    [InlineData(401, "")]
    public async Task Open_TokenRefused_RetriesOnceWithANewToken(int status, string body)
    {
        _refused = ["czs_1"];
        await using var server = await Start(status, body);
        using var rig = Rig(server);

        Assert.Equal("Hello", (await rig.Run(rig.Turn("Hi"))).Answer);

        Assert.Equal(["Bearer czs_1", "Bearer czs_2"], Chats(server));
    }

    [Fact]
    public async Task Open_EveryTokenRefused_FailsAfterTheSecond()
    {
        _refused = ["czs_1", "czs_2", "czs_3"];
        await using var server = await Start();
        using var rig = Rig(server);

        Assert.Equal(ErrorCode.UpstreamUnauthorized, (await rig.OpenThrows(rig.Turn("Hi"))).Code);
        Assert.Equal(2, Chats(server).Count);
    }

    [Fact]
    public async Task Open_PersonalTokenRefused_IsNotRetried()
    {
        _refused = ["pat_sandbox"];
        await using var server = await Start();
        using var rig = new CozeRig(server.BaseUrl, _time);

        Assert.Equal(ErrorCode.UpstreamUnauthorized, (await rig.OpenThrows(rig.Turn("Hi"))).Code);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Get_ChangedApplication_RequestsANewToken()
    {
        await using var server = await Start();
        using var rig = Rig(server);
        await rig.Run(rig.Turn("Hi"));

        rig.Account = rig.Account with { OAuth = rig.Account.OAuth! with { AppId = "app-2", EnterpriseAccountId = "org/1" } };
        await rig.Run(rig.Turn("Hi"));

        Assert.Equal(2, _tokens);
        Assert.Contains(server.Requests, request => request.Path == "/api/permission/oauth2/account/org%2F1/token");
    }

    [Fact]
    public async Task Get_LifetimeOption_IsRequested()
    {
        await using var server = await Start();
        using var rig = Rig(server);
        rig.Account = rig.Account with { Options = new Dictionary<string, string> { ["token_lifetime_seconds"] = "900" } };

        await rig.Run(rig.Turn("Hi"));

        Assert.Equal(900, (int)server.Requests.First().Json["duration_seconds"]!);
    }

    [Theory]
    [InlineData("not a key")]
    [InlineData("")]
    public async Task Get_InvalidKey_IsReported(string key)
    {
        using var rig = new CozeRig();
        rig.Account = rig.Account with { Token = null, OAuth = new OAuthDefinition("app-1", "kid-1", rig.Seal.Seal(key), null) };

        var error = await rig.OpenThrows(rig.Turn("Hi"));

        Assert.Equal(ErrorCode.UpstreamUnauthorized, error.Code);
        Assert.Contains("PEM", error.Message);
    }

    [Fact]
    public async Task Get_KeyWithEscapedLineBreaks_IsRead()
    {
        await using var server = await Start();
        using var rig = Rig(server);
        rig.Account = rig.Account with
        {
            OAuth = rig.Account.OAuth! with { PrivateKey = rig.Seal.Seal(Key.ExportPkcs8PrivateKeyPem().Replace("\n", "\\n")) },
        };

        Assert.Equal("Hello", (await rig.Run(rig.Turn("Hi"))).Answer);
    }

    [Fact]
    public async Task Get_OAuthServerRefuses_IsUnauthorized()
    {
        _answer = _ => """{"error_code":"invalid_client","error_message":"kid unknown"}""";
        await using var server = await Start();
        using var rig = Rig(server);

        var error = await rig.OpenThrows(rig.Turn("Hi"));

        Assert.Equal(ErrorCode.UpstreamUnauthorized, error.Code);
        Assert.Contains("kid unknown", error.Message);
    }

    [Fact]
    public async Task Get_SilentOAuthServer_TimesOut()
    {
        var arrived = new TaskCompletionSource();
        await using var server = await WireServer.Start(async (context, _) =>
        {
            arrived.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var rig = Rig(server);

        var refused = rig.OpenThrows(rig.Turn("Hi"));
        await arrived.Task;
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(ErrorCode.UpstreamTimeout, (await refused).Code);
    }

    [Fact]
    public async Task Get_NeitherTokenNorApplication_IsUnauthorized()
    {
        using var rig = new CozeRig();
        rig.Account = rig.Account with { Token = null };

        Assert.Equal(ErrorCode.UpstreamUnauthorized, (await rig.OpenThrows(rig.Turn("Hi"))).Code);
    }

    private CozeRig Rig(WireServer server)
    {
        var rig = new CozeRig(server.BaseUrl, _time);
        rig.Account = rig.Account with { Token = null, OAuth = new OAuthDefinition("app-1", "kid-1", rig.Seal.Seal(Key.ExportPkcs8PrivateKeyPem()), null) };
        return rig;
    }

    private static List<string?> Chats(WireServer server) =>
        [.. server.Requests.Where(request => request.Path == "/v3/chat").Select(request => request.Authorization)];

    private Task<WireServer> Start(int status = 401, string body = """{"code":4100,"msg":"no"}""") => WireServer.Start(async (context, request) =>
    {
        if (request.Path.StartsWith("/api/permission", StringComparison.Ordinal))
        {
            var number = Interlocked.Increment(ref _tokens);
            lock (_claims) _claims.Add(request.Authorization!);
            var expires = _time.GetUtcNow().AddHours(1).ToUnixTimeSeconds();
            var token = $$"""{"access_token":"czs_{{number}}","expires_in":{{expires}},"token_type":"Bearer"}""";
            await WireServer.Write(context, _answer?.Invoke(request.Text) ?? token);
        }
        else if (_refused.Any(token => request.Authorization == "Bearer " + token)) await WireServer.Write(context, body, status: status);
        else await WireServer.Stream(context, Hello);
    });
}
