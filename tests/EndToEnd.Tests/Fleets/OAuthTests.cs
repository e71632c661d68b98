namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>
/// An account with a Coze OAuth app: CozeCluster requests a token with a signed JWT, keeps it, and replaces it when Coze no longer accepts it. Each process of
/// a cluster keeps its own token, so the test uses one conversation, which is in one process.
/// </summary>
public sealed class OAuthTests(NodeFixture node)
{
    [Fact]
    public async Task A_token_is_used_until_it_expires()
    {
        var first = await GetTokenOfTurnAsync();
        var second = await GetTokenOfTurnAsync();
        Assert.StartsWith("czs_", first, StringComparison.Ordinal);
        Assert.Equal(first, second);

        Assert.True(node.Coze.ExpireToken(first));
        var third = await GetTokenOfTurnAsync();
        Assert.StartsWith("czs_", third, StringComparison.Ordinal);
        Assert.NotEqual(first, third);
    }

    private async Task<string> GetTokenOfTurnAsync()
    {
        var request = node.NewRequest("chunks=2", "oauth").InConversation("oauth");
        Assert.True((await request.StreamAsync()).IsDone);
        return request.Chat.Token;
    }
}
