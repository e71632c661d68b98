using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Grains.Tests.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Stored data that cannot be read harms only the turn that it belongs to.</summary>
public sealed class DamagedRowsTests : GrainTest
{
    private const int Damaged = 1111;

    private readonly CapturedLog _log = new();

    [Theory]
    [InlineData("details")]
    [InlineData("handle")]
    [InlineData("prompt")]
    [InlineData("reply")]
    public async Task GetTurn_OfAnEndedTurnWithDamagedData_FailsAndTheConversationContinues(string damaged)
    {
        var first = await Complete(Request("chat", "one"), "1");
        var second = await Complete(Request("chat", "two"), "2");
        if (damaged is "details" or "handle") Silo.DamageRow(second.Id, damaged);
        else Silo.DamageContent(second.Id, damaged == "prompt" ? TurnContentKind.Prompt : TurnContentKind.Reply);
        await Silo.RestartAsync();

        var error = await Assert.ThrowsAsync<ClusterException>(() => GrainOf(second).GetTurn(Tenant, second.Id));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.Contains("damaged", error.Message);
        var rowId = Silo.Query("SELECT id FROM turns WHERE turn_id = $0", second.Id);
        var logged = _log.Of(Damaged, second.Id)[^1].Text;
        Assert.Contains(second.Key, logged);
        Assert.Contains($"{rowId}", logged);
        Assert.Equal([first.Id], (await GrainOf(second).GetConversation(Tenant)).Turns.Select(turn => turn.TurnId));
        Assert.Equal("3", (await Complete(Request("chat", "three"), "3")).Subscriber.Text);
    }

    [Theory]
    [InlineData("details")]
    [InlineData("request")]
    public async Task WaitingTurn_WithDamagedData_FailsAndTheOthersRun(string damaged)
    {
        var first = await Begin(Request("chat", "one"));
        (await Upstream.NextOpened()).Identify().Say("1");
        await first.Subscriber.UntilText("1");
        var second = await Begin(Request("chat", "two"));
        var third = await Begin(Request("chat", "three"));
        if (damaged == "details") Silo.DamageRow(second.Id, damaged);
        else Silo.DamageContent(second.Id, TurnContentKind.Request);
        await Crash();

        (await Upstream.NextAttached()).Whole("1").Complete();
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("3").Complete();

        Assert.Equal(third.Id, exchange.Turn.TurnId);
        var observer = new RecordingSubscriber();
        await Subscribe(second, Cursor.Start, observer);
        Assert.Equal(TurnReader.Damage, Assert.IsType<ReplyFailed>(await observer.UntilEnd()).Error);
        Assert.NotEmpty(_log.Of(Damaged, second.Id));
    }

    [Fact]
    public async Task History_WithADamagedReply_HasTheOtherTurns()
    {
        await Complete(Request("chat", "one"), "1");
        var second = await Complete(Request("chat", "two"), "2");
        Silo.DamageContent(second.Id, TurnContentKind.Reply);
        await Silo.RestartAsync();
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamNotFound, "No such conversation."));

        var turn = await Begin(Request("chat", "three"));
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Complete();
        await turn.Subscriber.UntilEnd();

        Assert.Equal(["one", "1", "three"], exchange.Turn.Messages.Select(message => message.Text));
    }

    [Fact]
    public async Task Delete_ConversationThatCannotBeRead_Succeeds()
    {
        var turn = await Complete(Request("chat"), "Hello");
        await Silo.RestartAsync();
        Hooks.BeforeLoad = () => throw new ClusterException(ErrorCode.Internal, "The database could not read a conversation.");
        var error = await Assert.ThrowsAsync<ClusterException>(() => GrainOf(turn).GetConversation(Tenant));
        Assert.Equal("The database could not read a conversation.", error.Message);

        await GrainOf(turn).Delete(Tenant);

        Assert.Equal((0, 0), Silo.Count(turn.Key));
        Hooks.BeforeLoad = () => Task.CompletedTask;
        Assert.Equal("again", (await Complete(Request("chat"), "again")).Subscriber.Text);
    }

    [Fact]
    public async Task Call_AfterAFailedRead_ReadsAgain()
    {
        var turn = await Complete(Request(), "Hello");
        await Silo.RestartAsync();
        var reads = 0;
        Hooks.BeforeLoad = () => ++reads == 1 ? throw new TimeoutException() : Task.CompletedTask;
        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => GrainOf(turn).Delete(Tenant))).Code);

        Assert.Equal([new TextPart("Hello")], (await GrainOf(turn).GetTurn(Tenant, turn.Id)).Parts);
        Assert.Equal(2, reads);
    }

    protected override void Configure(ISiloBuilder silo) => silo.Services.AddSingleton<ILoggerProvider>(_log);
}
