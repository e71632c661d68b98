using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>
/// A conversation that is active on two silos at the same time, as after a failure of the grain directory. Both silos write to the same file, and the versions
/// of the rows decide.
/// </summary>
public sealed class TwoActivationsTests : GrainTest
{
    private readonly FakeUpstream _otherUpstream = new();

    [Theory]
    [InlineData(null, 1)]
    [InlineData("talk", 2)]
    public async Task RunningTurn_EndsOnBoth_IsStoredOnce(string? conversation, int contents)
    {
        await using var other = await StartOther();
        var turn = await Begin(Request(conversation));
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");
        var there = other.Grains.GetGrain<IConversationGrain>(turn.Key);
        await there.Wake();
        var again = await _otherUpstream.NextAttached();

        exchange.Complete();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        var version = Silo.Query("SELECT version FROM turns WHERE turn_id = $0", turn.Id);
        again.Whole("Hello, but longer").Complete();
        await PassUntil(() => there.GetTurn(Tenant, turn.Id).Result.Parts is [TextPart { Text: "Hello" }]);

        Assert.Equal((1, contents), Silo.Count(turn.Key));
        Assert.Equal(version, Silo.Query("SELECT version FROM turns WHERE turn_id = $0", turn.Id));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("talk")]
    public async Task NewTurns_OnBoth_OneIsNotSent(string? conversation)
    {
        await using var other = await StartOther();
        var first = await Complete(Request(conversation, "one"), "1");
        await other.Grains.GetGrain<IConversationGrain>(first.Key).GetTurn(Tenant, first.Id);
        var second = await Complete(Next(first, conversation), "2");

        var third = Next(first, conversation);
        var lost = new RecordingSubscriber();
        await BeginAt(other, third, lost);

        var end = Assert.IsType<ReplyFailed>(await lost.UntilEnd());
        Assert.Equal((ErrorCode.StateConflict, 0), (end.Error.Code, _otherUpstream.OpenedCount));
        Assert.Equal(2, Silo.Count(first.Key).Turns);
        var turns = (await other.Grains.GetGrain<IConversationGrain>(first.Key).GetConversation(Tenant)).Turns;
        Assert.Equal([first.Id, second.Id], turns.Select(turn => turn.TurnId));
    }

    [Fact]
    public async Task SameTurn_BegunOnBoth_IsSentOnce()
    {
        await using var other = await StartOther();
        var request = Request();
        var turn = await Begin(request);
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await turn.Subscriber.UntilText("Hello");

        // The mark is wrong, so the other activation does not read what is stored.
        Task begun;
        var lost = new RecordingSubscriber();
        using (FirstCall.To(turn.Key)) begun = BeginAt(other, request, lost);
        await begun;

        Assert.Equal(ErrorCode.StateConflict, Assert.IsType<ReplyFailed>(await lost.UntilEnd()).Error.Code);
        Assert.Equal((1, 0), (Silo.Count(turn.Key).Turns, _otherUpstream.OpenedCount));
    }

    private static TurnRequest Next(BegunTurn first, string? conversation) =>
        Request(conversation, "next") with { TurnId = TestIds.Ids.NewTurnAfter(Tenant, first.Id) };

    private static Task BeginAt(TestSilo silo, TurnRequest request, RecordingSubscriber subscriber)
    {
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var subscription = new Subscription(Guid.NewGuid().ToString("n"), Cursor.Start, silo.Feeds.Open(subscriber).Address);
        return silo.Grains.GetGrain<IConversationGrain>(key).Begin(request, subscription);
    }

    private async Task<TestSilo> StartOther()
    {
        var store = Silo.Services.GetRequiredService<IConversationStore>();
        var other = await TestSilo.StartAsync(
            silo =>
            {
                TestIds.AddTo(silo.Services);
                silo.Services.AddSingleton<IUpstream>(_otherUpstream).AddSingleton<INotifier>(Notifier).AddSingleton<IDiscordPosting>(Discord)
                    .AddSingleton(store);
            },
            Options,
            time: Silo.Time);
        await other.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).Import(SmallFleet());
        return other;
    }
}
