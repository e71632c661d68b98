
namespace CozeCluster.Discord.Tests;

public sealed class CredentialsTests
{
    private const string User = """{"id":"42","username":"somebody","bot":true}""";

    [Fact]
    public async Task Bot_sends_its_token_with_a_prefix_and_the_user_agent_of_bots()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond(User)));

        var user = await rig.Rest.GetCurrentUser(rig.Timeout);

        Assert.Equal(new Snowflake(42), user.Id);
        var request = Assert.Single(rig.Requests);
        Assert.Equal($"Bot {RestRig.Token}", request.Headers["Authorization"]);
        Assert.StartsWith("DiscordBot (https://", request.Headers["User-Agent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task User_account_sends_the_token_without_prefix_and_the_operators_user_agent_and_no_other_headers()
    {
        await using var rig = new RestRig(
            await RestServer.Start(RestServer.Respond(User)), o => o with { UserAgent = "whatever they (chose); 1/2" }, DiscordTokenKind.User);

        await rig.Rest.GetCurrentUser(rig.Timeout);

        var headers = Assert.Single(rig.Requests).Headers;
        Assert.Equal(RestRig.Token, headers["Authorization"]);
        Assert.Equal("whatever they (chose); 1/2", headers["User-Agent"]);
        Assert.Equal(["Authorization", "Host", "User-Agent"], headers.Keys.Order());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\nX-Other: b")]
    public void Token_that_headers_cannot_have_is_rejected_and_not_repeated(string token)
    {
        var error = Assert.Throws<ClusterException>(() => new RestRig("http://localhost", token: token));

        Assert.Equal(ErrorCode.UpstreamUnauthorized, error.Code);
        if (token.Length > 0) Assert.DoesNotContain(token, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_base_url_is_rejected_with_the_accounts_name()
    {
        var error = Assert.Throws<ClusterException>(() => new RestRig("ftp://somewhere"));

        Assert.Contains("account-a", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_is_neither_in_errors_nor_in_logs()
    {
        await using var rig = new RestRig(
            await RestServer.Start(RestServer.Respond($$"""{"message":"bad {{RestRig.Token}} here","code":0}""", 400), RestServer.Abort),
            o => o with { MaxRetries = 0 });

        var rejected = await rig.ExpectError(rig.Rest.GetCurrentUser(rig.Timeout));
        var broken = await rig.ExpectError(rig.Rest.GetCurrentUser(rig.Timeout));

        Assert.Equal("Discord says: bad (token) here (HTTP 400)", rejected.Message);
        Assert.Equal(ErrorCode.UpstreamUnavailable, broken.Code);
        Assert.DoesNotContain(RestRig.Token, $"{rejected}{broken}{rig.Rest.Options}{string.Join('\n', rig.Log.Lines)}", StringComparison.Ordinal);
        Assert.NotEmpty(rig.Log.Lines);
    }
}
