using System.Security.Cryptography;
using System.Text.Json.Nodes;
using CozeCluster.TestKit;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Upstreams.Tests.Coze;

/// <summary>
/// A server that repeats every secret that it knows in everything that it says. None of them may reach an error, a handle or a log line, and none of them has a
/// form by which it could be recognised.
/// </summary>
public sealed class CozeCanaryTests
{
    private const string Token = "Qd7/canary+of+the+account=19";
    private const string AccessToken = "canary~of~the~oauth~server~7731";
    private const string Password = "canary of the proxy";

    public static TheoryData<string> Streams => new(
        Wire.Created + Wire.Record("error", Refusal(4100)),
        Wire.Created + Wire.Record("error", $"\"the token {Token} is bad\""),
        Wire.Created + Wire.Record("conversation.chat.failed", Refusal(5000)),
        Wire.Created + Wire.Record("conversation.chat.failed", $$"""{"id":"h1","conversation_id":"c1","last_error":{{Refusal(5000)}}}"""),
        Wire.Created + $"data: {Refusal(4999)}\n\n");

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task Open_ErrorInAStream_ContainsNoSecret(string stream)
    {
        await using var server = await WireServer.Start((context, _) =>
        {
            context.Response.Headers["x-tt-logid"] = Token;
            return context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(stream)).AsTask();
        });
        using var rig = Rig(server.BaseUrl);
        var sink = await rig.Run(rig.Turn("Hi"));

        Assert.NotNull(sink.Failure);
        AssertClean(rig, [sink.Failure.Message, .. sink.Handles.SelectMany(handle => handle.Ids.Values)]);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(401)]
    [InlineData(500)]
    public async Task Open_Refusal_ContainsNoSecret(int status)
    {
        await using var server = await WireServer.Start((context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers["x-tt-logid"] = Token;
            return context.Response.WriteAsync(Refusal(4000));
        });
        using var rig = Rig(server.BaseUrl);

        AssertClean(rig, [(await rig.OpenThrows(rig.Turn("Hi"))).Message]);
    }

    [Fact]
    public async Task Attach_FailedChat_ContainsNoSecret()
    {
        await using var server = await WireServer.Start(
            $$"""{"code":0,"data":{"id":"h1","conversation_id":"c1","status":"failed","last_error":{{Refusal(5000)}} } }""");
        using var rig = Rig(server.BaseUrl);
        var sink = new RecordingSink();
        await using var exchange = await rig.Upstream.Attach(rig.Turn(), rig.Handle(), CozeRig.Stop);
        await sink.ReadAll(exchange);

        AssertClean(rig, [sink.Failure!.Message]);
    }

    [Fact]
    public async Task Open_OAuth_ErrorsContainNeitherClaimNorAccessToken()
    {
        using var key = RSA.Create(2048);
        var claim = "";
        await using var server = await WireServer.Start((context, request) =>
        {
            if (!request.Path.EndsWith("/token", StringComparison.Ordinal))
            {
                return WireServer.Stream(context, Wire.Created + Wire.Record("error", $$"""{"code":5000,"msg":"{{AccessToken}} {{claim}}"}"""));
            }
            claim = request.Authorization!["Bearer ".Length..];
            return WireServer.Write(context, $$"""{"access_token":"{{AccessToken}}","expires_in":3600}""");
        });
        using var rig = Rig(server.BaseUrl);
        rig.Account = rig.Account with { Token = null, OAuth = new OAuthDefinition("app", "kid", rig.Seal.Seal(key.ExportPkcs8PrivateKeyPem()), null) };
        var sink = await rig.Run(rig.Turn("Hi"));

        AssertClean(rig, [sink.Failure!.Message]);
        Assert.DoesNotContain(claim, sink.Failure.Message + rig.Logger.Text);
    }

    [Fact]
    public async Task Open_ProxyWithPassword_ErrorsDoNotContainIt()
    {
        await using var server = await WireServer.Start($$"""{"code":4000,"msg":"you came as ann:{{Password}} ({{Password}})"}""");
        await using var proxy = TinyProxy.Http(server.Port);
        using var rig = Rig("http://coze.test");
        rig.Account = rig.Account with { Proxy = rig.Seal.Seal($"http://ann:{Uri.EscapeDataString(Password)}@127.0.0.1:{proxy.Port}") };

        AssertClean(rig, [(await rig.OpenThrows(rig.Turn("Hi"))).Message]);
    }

    private static CozeRig Rig(string baseUrl)
    {
        var rig = new CozeRig(baseUrl, new ManualTime());
        rig.Account = rig.Account with { Token = rig.Seal.Seal(Token) };
        return rig;
    }

    // Whole, in other case, and cut short.
    private static string Refusal(long code) =>
        new JsonObject { ["code"] = code, ["msg"] = $"token {Token}, {Token.ToUpperInvariant()}, {Token[..20]} of you" }.ToJsonString();

    private static void AssertClean(CozeRig rig, IEnumerable<string> texts)
    {
        foreach (var text in texts.Append(rig.Logger.Text))
        {
            Assert.DoesNotContain("canary", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("Qd7/", text, StringComparison.Ordinal);
        }
    }
}
