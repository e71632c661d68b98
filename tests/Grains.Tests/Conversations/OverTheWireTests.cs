using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary><see cref="ConversationTests"/>, but messages pass Orleans' serializer and replies pass the observer, as between processes.</summary>
public sealed class ConversationOverTheWireTests : ConversationTests
{
    protected override bool OverTheWire => true;
}

/// <summary><see cref="SubscriptionTests"/>, but messages pass Orleans' serializer and replies pass the observer, as between processes.</summary>
public sealed class SubscriptionOverTheWireTests : SubscriptionTests
{
    protected override bool OverTheWire => true;
}

/// <summary><see cref="ResumeTests"/>, but messages pass Orleans' serializer and replies pass the observer, as between processes.</summary>
public sealed class ResumeOverTheWireTests : ResumeTests
{
    protected override bool OverTheWire => true;
}

/// <summary>A cluster with many faults: rejected calls, lost answers, delays, and grains that are deactivated between calls.</summary>
public sealed class FaultyClusterTests : GrainTest
{
    protected override bool OverTheWire => true;

    protected override CallFaults Faults { get; } = new(seed: 7);

    [Fact]
    public async Task Turns_WithManyFaults_AllEndWithTheirExactText()
    {
        for (var round = 0; round < 10; round++)
        {
            var turns = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Begin(Request())));
            for (var i = 0; i < turns.Length; i++)
            {
                var exchange = await Upstream.NextOpened();
                exchange.Identify();
                foreach (var word in new[] { "all", " of ", exchange.Turn.TurnId }) exchange.Say(word);
                exchange.Complete();
            }
            foreach (var turn in turns)
            {
                Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
                Assert.Equal($"all of {turn.Id}", turn.Subscriber.Text);
            }
        }
        Assert.Equal(100, Upstream.OpenedCount);
    }
}
