using System.Collections.Concurrent;
using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

public sealed class DiscordSessionTests : DiscordGrainTest
{
    private IDiscordSessionGrain Session => Silo.Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession("l1", 0));

    [Fact]
    public async Task Watch_WaitsUntilTheListenerIsReady_AndReceivesOnlyItsChannelAndBot()
    {
        var watcher = new Watcher();
        var watching = Session.Watch(new DiscordWatch("w", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(watcher));
        var connection = await Discord.NextConnection();
        connection.SetState("ready");
        await watching;

        connection.Publish(
            Message("1", "channel", "bot"), Message("2", "other", "bot"), Message("3", "channel", "somebody"), Message("4", "channel", null),
            new DiscordTyping("channel", "somebody"), new DiscordTyping("channel", "bot"), new DiscordEventsMissed());

        await watcher.Received(4);
        Assert.Equal(["1", "4"], watcher.Events.OfType<DiscordMessageSeen>().Select(message => message.Id));
        Assert.Single(watcher.Events.OfType<DiscordTyping>());
        Assert.Single(watcher.Events.OfType<DiscordEventsMissed>());
    }

    [Fact]
    public async Task Unwatch_ReceivesNoFurtherEvents()
    {
        var (ended, active) = (new Watcher(), new Watcher());
        var connection = await Connected();
        await Session.Watch(new DiscordWatch("ended", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(ended));
        await Session.Watch(new DiscordWatch("active", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(active));
        await Session.Unwatch("ended");

        connection.Publish(Message("1", "channel", "bot"));

        await active.Received(1);
        Assert.Empty(ended.Events);
    }

    [Fact]
    public async Task Watch_ListenerRejected_FailsWithTheReason()
    {
        var watching = Session.Watch(new DiscordWatch("w", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(new Watcher()));
        (await Discord.NextConnection()).Rejection.SetResult("the intent is off");

        var error = await Assert.ThrowsAsync<ClusterException>(() => watching);

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
        Assert.Contains("the intent is off", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TakeLease_HeldByAFailedNode_SaysUntilWhen()
    {
        await Connected();
        await Crash();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Session.TakeLease());
        Assert.True(error.Until > Silo.Time.GetUtcNow());

        Silo.Time.Advance(error.Until!.Value - Silo.Time.GetUtcNow() + TimeSpan.FromSeconds(1));
        await Session.TakeLease();
    }

    [Fact]
    public async Task Fleet_ListenerIsChanged_ConnectsAgain()
    {
        var first = await Connected();
        await Catalog.Import(Fleet with { Version = "2", Listeners = [Fleet.Listeners[0] with { GuildId = "2" }] });
        var second = Discord.NextConnection();

        await Eventually(() => Task.FromResult(second.IsCompleted), isConnected => isConnected);

        Assert.Equal(("1", "2"), (first.Listener.GuildId, (await second).Listener.GuildId));
    }

    [Fact]
    public async Task Connection_FailsWithAnError_ConnectsAgainAndEndsWatches()
    {
        var first = await Connected();
        await Session.Watch(new DiscordWatch("w", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(new Watcher()));
        var second = Discord.NextConnection();

        first.Rejection.SetException(new ClusterException(ErrorCode.CallRejected, "The store cannot be reached."));

        await Eventually(() => Task.FromResult(second.IsCompleted), isConnected => isConnected);
        Assert.False(await Session.IsWatching("w"));
        Assert.Equal("connecting", (await Session.Connect()).State);
    }

    [Fact]
    public async Task Fleet_OnlySealsAreDifferent_StaysConnected()
    {
        await Connected();
        var sealedAgain = Fleet.Listeners[0].Token with { Sealed = "sealed again" };
        await Catalog.Import(Fleet with { Version = "2", Listeners = [Fleet.Listeners[0] with { Token = sealedAgain }] });
        var second = Discord.NextConnection();

        await Silo.PassSeconds(10, () => second.IsCompleted);

        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Fleet_TokenIsReplaced_ConnectsAgain()
    {
        await Connected();
        var replaced = Fleet.Listeners[0].Token with { Fingerprint = "replaced" };
        await Catalog.Import(Fleet with { Version = "2", Listeners = [Fleet.Listeners[0] with { Token = replaced }] });
        var second = Discord.NextConnection();

        await Eventually(() => Task.FromResult(second.IsCompleted), isConnected => isConnected);

        Assert.Equal("replaced", (await second).Listener.Token.Fingerprint);
    }

    [Fact]
    public async Task Fleet_ListenerIsRemoved_DisconnectsWithTheReason()
    {
        await Connected();
        await Catalog.Import(Fleet with { Version = "2", Listeners = [] });

        var health = await Eventually(() => Session.Connect(), health => health.State == "failed");

        Assert.Contains("not in the fleet", health.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_IsReported()
    {
        var connection = await Connected();
        await Eventually(Entry, entry => entry.State == HealthState.Ok);

        connection.Rejection.SetResult("the intent is off");
        var entry = await Eventually(Entry, entry => entry.State == HealthState.SetAside);

        Assert.Equal(("l1.0", "the intent is off"), (entry.Id, entry.Reason));

        async Task<HealthEntry> Entry()
        {
            var entries = await Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health).List();
            return entries.Single(entry => entry is { Kind: HealthKind.Listener, Id: "l1.0" });
        }
    }

    /// <summary>Moves the clock until a result meets the condition.</summary>
    private async Task<T> Eventually<T>(Func<Task<T>> get, Func<T, bool> condition)
    {
        var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (await get() is { } result && condition(result)) return result;
            Silo.Time.Advance(TimeSpan.FromSeconds(1));
            await Silo.LetGrainsRun();
            timeout.Token.ThrowIfCancellationRequested();
        }
    }

    private async Task<FakeConnection> Connected()
    {
        await Session.Connect();
        var connection = await Discord.NextConnection();
        connection.SetState("ready");
        return connection;
    }

    private static DiscordMessageSeen Message(string id, string channel, string? author) =>
        new() { Id = id, ChannelId = channel, AuthorId = author, Text = "x" };

    private sealed class Watcher : IDiscordObserver
    {
        private readonly ConcurrentQueue<DiscordEvent> _events = new();
        private readonly SemaphoreSlim _received = new(0);

        public IReadOnlyCollection<DiscordEvent> Events => _events;

        public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events)
        {
            foreach (var e in events)
            {
                _events.Enqueue(e);
                _received.Release();
            }
            return ValueTask.FromResult(true);
        }

        public async Task Received(int count)
        {
            for (var i = 0; i < count; i++) Assert.True(await _received.WaitAsync(TimeSpan.FromSeconds(30)));
        }
    }
}
