using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Which turns a node that stops waits for.</summary>
public sealed class UnsavedTurnsTests : GrainTest
{
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task Count_IsOfThoseThatNoOtherNodeCouldGoOnWith(bool canReattach, int count)
    {
        Upstream.CanReattach = canReattach;
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");

        Assert.Equal(count, Silo.Services.GetRequiredService<NonResumableTurns>().Count);
    }
}
