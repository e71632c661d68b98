using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>What happens to a turn whose upstream sends more than a reply may contain.</summary>
public sealed class EndlessReplyTests : GrainTest
{
    private static readonly Error TooLong = new(ErrorCode.UpstreamProtocol, "The reply is longer than 8 characters, so it was cut there.");

    protected override ConversationOptions Options => new() { MaxReplyChars = 8, MaxReplyParts = 3 };

    [Theory]
    [InlineData(null)]
    [InlineData("talk")]
    public async Task Text_TooLong_EndsWithAnErrorBehindWhatWasDelivered(string? conversation)
    {
        var turn = await Begin(Request(conversation));
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        exchange.Say(", world").Do(sink => sink.Complete(FinishReason.Stop));

        await AssertCut(turn, exchange, TooLong, new TextPart("Hello, w"));
    }

    [Fact]
    public async Task Text_TooLongAtOnce_IsDeliveredUpToTheLimitAndNotSentAgain()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello, world");

        await AssertCut(turn, exchange, TooLong, new TextPart("Hello, w"));
        Assert.Equal(1, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Parts_TooMany_EndWithAnErrorBehindTheLastOne()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify();
        foreach (var id in (string[])["a", "b", "c", "d"]) exchange.Whole(id, id);

        var error = new Error(ErrorCode.UpstreamProtocol, "The reply has more than 3 parts, so it was cut there.");
        await AssertCut(turn, exchange, error, new TextPart("a"), new TextPart("b"), new TextPart("c"));
    }

    [Fact]
    public async Task Text_TooLongWhenReadAgain_EndsWithTheSameError()
    {
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        exchange.Break();
        var again = (await Upstream.NextAttached()).Whole("Hello, world");

        await AssertCut(turn, again, TooLong, new TextPart("Hello, w"));
    }

    [Fact]
    public async Task Text_TooLongAfterACrash_EndsWithTheSameError()
    {
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        await Crash();
        var again = (await Upstream.NextAttached()).Whole("Hello, world");
        var subscriber = new RecordingSubscriber();
        await Subscribe(turn, Cursor.Start, subscriber);

        await AssertCut(turn with { Subscriber = subscriber }, again, TooLong, new TextPart("Hello, w"));
    }

    [Fact]
    public async Task NextTurn_AfterAReplyThatWasCut_Runs()
    {
        var turn = await Begin(Request("talk"));
        (await Upstream.NextOpened()).Identify().Say("Hello, world");
        await turn.Subscriber.UntilEnd();

        await Complete(Request("talk"), "short");
    }

    private async Task AssertCut(BegunTurn turn, FakeExchange exchange, Error error, params ReplyPart[] parts)
    {
        Assert.Equal(error, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error);
        Assert.Equal(exchange.Handle.Ids, (await Upstream.NextCancelled()).Ids);
        await exchange.Closed;
        Assert.Equal(string.Concat(parts.Cast<TextPart>().Select(part => part.Text)), turn.Subscriber.Text);

        // As it is stored.
        await Silo.RestartAsync();
        var stored = await GrainOf(turn).GetTurn(Tenant, turn.Id);
        Assert.Equal((TurnStatus.Failed, error), (stored.Status, Assert.IsType<ReplyFailed>(stored.End).Error));
        Assert.Equal(parts, stored.Parts);
    }
}
