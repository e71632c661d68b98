namespace CozeCluster.Discord.Tests.Replies;

public sealed class TokenCountsTests
{
    [Theory]
    [InlineData(DiscordTokens.Cl100k, "Hello, world!", "tiktoken is great!", 4, 6)]
    [InlineData(DiscordTokens.O200k, "Hello, world!", "tiktoken is great!", 4, 6)]
    [InlineData(DiscordTokens.Cl100k, "你好", "", 2, 0)]
    [InlineData(DiscordTokens.O200k, "你好", "", 1, 0)]
    public void Estimate_CountsPromptAndReply(DiscordTokens encoding, string prompt, string reply, int input, int output)
    {
        var usage = TokenCounts.Estimate(Turn(prompt), reply, encoding);

        Assert.Equal(new Usage(input, output, input + output) { IsEstimated = true }, usage);
    }

    private static UpstreamTurn Turn(string prompt) => new(
        "turn_1", new BotDefinition { Id = "b", Upstream = "discord", UpstreamBotId = "1", Accounts = ["a"] },
        new AccountDefinition { Id = "a", Upstream = "discord", BaseUrl = "http://127.0.0.1" }, "",
        [new ChatMessage(ChatRole.User, [new TextContent(prompt)])]);
}
