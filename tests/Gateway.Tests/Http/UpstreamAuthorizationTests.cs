using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Http;

/// <summary>The tenant's own credential of an upstream, in a header.</summary>
public sealed class UpstreamAuthorizationTests
{
    private const string Header = "x-upstream-authorization";
    private const string Canary = "canary-of-a-credential";

    [Theory]
    [InlineData("own")]
    [InlineData("either")]
    public async Task Chat_ModelTakesIt_ReachesTheConversationAndNoLog(string model)
    {
        await using var host = await Start();
        using var response = await host.Stream(Body(model), request => request.Headers.Add(Header, $"openai {Canary}"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var turn = (await host.WaitForTurn()).Request!;
        Assert.Equal(("openai", Canary), (turn.Credential!.Upstream, turn.Credential.Value));
        Assert.DoesNotContain(Canary, turn.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Log.Lines, line => line.Contains(Canary, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Chat_ModelWithBothKindsOfAccounts_NeedsNone()
    {
        await using var host = await Start();
        using var response = await host.Stream(Body("either"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Null((await host.WaitForTurn()).Request!.Credential);
    }

    [Fact]
    public async Task Embeddings_ModelTakesIt_ReachesTheGrain()
    {
        await using var host = await Start();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/embeddings")
        {
            Content = GatewayHost.Json("""{"model":"own-vectors","input":"a"}"""), Headers = { { Header, $"openai {Canary}" } },
        };
        using var response = await host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Canary, Assert.Single(host.Grains.ModelTasks.Requests).Credential!.Value);
    }

    [Theory]
    // It is missing.
    [InlineData("own", null)]
    // The model takes none, or none for this upstream.
    [InlineData("bot", "openai " + Canary)]
    [InlineData("gpt", "openai " + Canary)]
    [InlineData("own", "claude " + Canary)]
    // It is malformed.
    [InlineData("own", Canary)]
    [InlineData("own", "Bearer " + Canary)]
    [InlineData("own", "OpenAI " + Canary)]
    [InlineData("own", "coze " + Canary)]
    [InlineData("own", "openai")]
    [InlineData("own", "openai short")]
    [InlineData("own", "openai " + Canary + " and-more")]
    public async Task Chat_CredentialThatCannotBeUsed_IsRefusedByTheNameOfTheHeader(string model, string? value)
    {
        await using var host = await Start();
        using var response = await host.Stream(Body(model), request =>
        {
            if (value is not null) request.Headers.TryAddWithoutValidation(Header, value);
        });

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(Header, (await response.ReadError()).GetProperty("param").GetString());
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains(Header, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Canary, text, StringComparison.Ordinal);
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task Chat_TooLongOrSentTwice_IsRefused()
    {
        await using var host = await Start();
        using var longOne = await host.Stream(Body("own"), request => request.Headers.Add(Header, $"openai {new string('k', 4097)}"));
        using var twice = await host.Stream(Body("own"), request =>
        {
            request.Headers.TryAddWithoutValidation(Header, $"openai {Canary}");
            request.Headers.TryAddWithoutValidation(Header, $"openai {Canary}-2");
        });
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (longOne.StatusCode, twice.StatusCode));
        Assert.DoesNotContain(Canary, await twice.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static Task<GatewayHost> Start()
    {
        var grains = new FakeGrains
        {
            OnBegin = conversation => conversation.Post(new Cursor(0, 5), Reply.Text("Hello"), Reply.Stop()),
        };
        return GatewayHost.Start(grains: grains);
    }

    private static string Body(string model) => $$"""{"model":"{{model}}","stream":true,"messages":[{"role":"user","content":"Hi"}]}""";
}
