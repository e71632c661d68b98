namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class ToolCallIdsTests
{
    [Fact]
    public void TryParse_returns_turn_and_ordinal()
    {
        var ids = new ConversationIds(ConversationIds.NewKey());
        foreach (var turnId in new[] { ids.NewTurn("t", null), ids.NewTurn("t", "c"), ids.NewTurnAfter("t", ids.NewTurn("t", null)) })
        {
            Assert.True(ToolCallIds.TryParse(ToolCallIds.Of(turnId, 12), out var parsed, out var ordinal));
            Assert.Equal((turnId, 12), (parsed, ordinal));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("call_")]
    [InlineData("call_abc")]
    [InlineData("call_abc_0")]
    [InlineData("call_0123456789abcdefghjkmnpqrs_x")]
    [InlineData("call_0123456789abcdefghjkmnpqrs_-1")]
    [InlineData("toolu_0123456789abcdefghjkmnpqrs_0")]
    public void TryParse_rejects_ids_of_other_services(string callId) => Assert.False(ToolCallIds.TryParse(callId, out _, out _));
}
