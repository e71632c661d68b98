namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>An account with a Coze OAuth app: a token is signed for, kept, and replaced when Coze no longer takes it. Each process of a cluster keeps one; a conversation lives in one of them.</summary>
public sealed class OAuthTests(NodeFixture node)
{
    [Fact]
    public async Task One_token_serves_until_it_is_ended()
    {
        var first = await AskAsync();
        var second = await AskAsync();
        Assert.StartsWith("czs_", first, StringComparison.Ordinal);
        Assert.Equal(first, second);

        Assert.True(node.Coze.ExpireToken(first));
        var third = await AskAsync();
        Assert.StartsWith("czs_", third, StringComparison.Ordinal);
        Assert.NotEqual(first, third);
    }

    private async Task<string> AskAsync()
    {
        var ask = node.Ask("chunks=2", "oauth").With(body => body["conversation_id"] = "oauth");
        Assert.True((await ask.StreamAsync()).IsDone);
        return ask.Chat.Token;
    }
}
