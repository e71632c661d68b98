
namespace CozeCluster.Discord.Tests;

public sealed class CredentialsTests
{
    private const string User = """{"id":"42","username":"somebody","bot":true}""";

    [Fact]
    public async Task A_bot_sends_its_token_with_a_prefix_and_names_its_software()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Answer(User)));

        var user = await rig.Rest.GetCurrentUser(rig.Stop);

        Assert.Equal(new Snowflake(42), user.Id);
        var request = Assert.Single(rig.Requests);
        Assert.Equal($"Bot {RestRig.Token}", request.Headers["Authorization"]);
        Assert.StartsWith("DiscordBot (https://", request.Headers["User-Agent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_account_sends_the_bare_token_and_exactly_the_operators_user_agent_and_nothing_else()
    {
        await using var rig = new RestRig(
            await RestServer.Start(RestServer.Answer(User)), o => o with { UserAgent = "whatever they (chose); 1/2" }, DiscordTokenKind.User);

        await rig.Rest.GetCurrentUser(rig.Stop);

        var headers = Assert.Single(rig.Requests).Headers;
        Assert.Equal(RestRig.Token, headers["Authorization"]);
        Assert.Equal("whatever they (chose); 1/2", headers["User-Agent"]);
        Assert.Equal(["Accept-Encoding", "Authorization", "Host", "User-Agent"], headers.Keys.Order());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\nX-Other: b")]
    public void A_token_that_no_header_takes_is_refused_without_being_told(string token)
    {
        var error = Assert.Throws<ClusterException>(() => new RestRig("http://localhost", token: token));

        Assert.Equal(ErrorCode.UpstreamUnauthorized, error.Code);
        if (token.Length > 0) Assert.DoesNotContain(token, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_url_that_is_none_is_refused_by_the_accounts_name()
    {
        var error = Assert.Throws<ClusterException>(() => new RestRig("ftp://somewhere"));

        Assert.Contains("account-a", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_is_in_no_error_and_no_log()
    {
        await using var rig = new RestRig(
            await RestServer.Start(RestServer.Answer($$"""{"message":"bad {{RestRig.Token}} here","code":0}""", 400), RestServer.Cut),
            o => o with { MaxRetries = 0 });

        var refused = await rig.Fails(rig.Rest.GetCurrentUser(rig.Stop));
        var broken = await rig.Fails(rig.Rest.GetCurrentUser(rig.Stop));

        Assert.Equal("Discord says: bad (token) here (HTTP 400)", refused.Message);
        Assert.Equal(ErrorCode.UpstreamUnavailable, broken.Code);
        Assert.DoesNotContain(RestRig.Token, $"{refused}{broken}{rig.Rest.Options}{string.Join('\n', rig.Log.Lines)}", StringComparison.Ordinal);
        Assert.NotEmpty(rig.Log.Lines);
    }
}
