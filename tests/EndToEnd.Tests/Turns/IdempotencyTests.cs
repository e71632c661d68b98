namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>Requests with the same <c>Idempotency-Key</c> get the same turn, so the prompt is sent to Coze once.</summary>
public sealed class IdempotencyTests(NodeFixture node)
{
    private readonly string _key = Guid.NewGuid().ToString();

    [Fact]
    public async Task The_second_request_gets_the_reply_of_the_first()
    {
        var request = node.NewRequest("chunks=8").WithHeader("Idempotency-Key", _key);
        var first = await request.StreamAsync();
        var second = await request.StreamAsync();

        Assert.Equal((first.TurnId, first.Text), (second.TurnId, second.Text));
        Assert.Single(request.Chats);
    }

    [Fact]
    public async Task A_request_that_is_repeated_while_the_turn_runs_gets_the_same_reply()
    {
        var request = node.NewRequest("text=unicode chunks=50 pace=10ms seed=31").WithHeader("Idempotency-Key", _key);
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var second = await request.StreamAsync();
        var first = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal(first.Text, second.Text);
        Assert.Equal(Assert.Single(request.Chat.Answers), second.Text);
    }

    [Fact]
    public async Task A_client_that_lost_its_connection_can_repeat_the_request()
    {
        var request = node.NewRequest("text=unicode chunks=50 pace=10ms seed=32").WithHeader("Idempotency-Key", _key);
        await using (var open = await request.OpenStreamAsync()) await open.ReadUntilAsync(reply => reply.Text.Length > 10, TestTimeout.Token);
        var second = await request.StreamAsync();

        Assert.Equal(Assert.Single(request.Chat.Answers), second.Text);
        Assert.True(second.IsDone);
    }

    [Fact]
    public async Task Another_request_with_the_same_key_is_refused()
    {
        await node.NewRequest("chunks=3").WithHeader("Idempotency-Key", _key).StreamAsync();
        var other = node.NewRequest("chunks=3").WithHeader("Idempotency-Key", _key);
        var response = await other.StreamErrorAsync();

        Assert.Equal((409, "idempotency_key_reused"), (response.Status, response.Error.Text("code")));
        Assert.Equal("false", response.Header("x-should-retry"));
        Assert.Empty(other.Chats);
    }

    [Fact]
    public async Task Keys_of_different_tenants_are_independent()
    {
        await node.NewRequest("chunks=3").WithHeader("Idempotency-Key", _key).StreamAsync();
        var other = node.NewRequest("chunks=3").WithHeader("Idempotency-Key", _key);
        other.Key = TestFleet.OtherKey;
        await other.StreamAsync();

        Assert.Single(other.Chats);
    }
}
