namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>The same <c>Idempotency-Key</c> means the same turn: Coze is asked once.</summary>
public sealed class IdempotencyTests(NodeFixture node)
{
    private readonly string _key = Guid.NewGuid().ToString();

    [Fact]
    public async Task The_second_request_gets_the_first_ones_reply()
    {
        var ask = node.Ask("chunks=8").WithHeader("Idempotency-Key", _key);
        var first = await ask.StreamAsync();
        var second = await ask.StreamAsync();

        Assert.Equal((first.TurnId, first.Text), (second.TurnId, second.Text));
        Assert.Single(ask.Chats);
    }

    [Fact]
    public async Task A_request_repeated_while_the_first_runs_joins_it()
    {
        var ask = node.Ask("text=unicode chunks=50 pace=10ms seed=31").WithHeader("Idempotency-Key", _key);
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var second = await ask.StreamAsync();
        var first = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal(first.Text, second.Text);
        Assert.Equal(Assert.Single(ask.Chat.Answers), second.Text);
    }

    [Fact]
    public async Task A_client_that_lost_its_connection_repeats_the_request()
    {
        var ask = node.Ask("text=unicode chunks=50 pace=10ms seed=32").WithHeader("Idempotency-Key", _key);
        await using (var open = await ask.OpenStreamAsync()) await open.UntilAsync(reply => reply.Text.Length > 10, Ask.Patience);
        var second = await ask.StreamAsync();

        Assert.Equal(Assert.Single(ask.Chat.Answers), second.Text);
        Assert.True(second.IsDone);
    }

    [Fact]
    public async Task Another_request_under_the_same_key_is_refused()
    {
        await node.Ask("chunks=3").WithHeader("Idempotency-Key", _key).StreamAsync();
        var other = node.Ask("chunks=3").WithHeader("Idempotency-Key", _key);
        var answer = await other.StreamInVainAsync();

        Assert.Equal((409, "idempotency_key_reused"), (answer.Status, answer.Error.Text("code")));
        Assert.Equal("false", answer.Header("x-should-retry"));
        Assert.Empty(other.Chats);
    }

    [Fact]
    public async Task Another_tenants_key_is_another_key()
    {
        await node.Ask("chunks=3").WithHeader("Idempotency-Key", _key).StreamAsync();
        var other = node.Ask("chunks=3").WithHeader("Idempotency-Key", _key);
        other.Key = TestFleet.OtherKey;
        await other.StreamAsync();

        Assert.Single(other.Chats);
    }
}
