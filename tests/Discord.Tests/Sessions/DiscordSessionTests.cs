using System.Collections.Concurrent;
using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

public sealed class DiscordSessionTests : DiscordGrainTest
{
    private IDiscordSessionGrain Session => Silo.Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession("l1", 0));

    [Fact]
    public async Task Watch_WaitsUntilTheListenerIsReady_AndHearsOnlyItsChannelAndBot()
    {
        var watcher = new Watcher();
        var watching = Session.Watch(new DiscordWatch("w", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(watcher));
        var connection = await Discord.NextConnection();
        connection.Become("ready");
        await watching;

        connection.Happens(
            Message("1", "channel", "bot"), Message("2", "other", "bot"), Message("3", "channel", "somebody"), Message("4", "channel", null),
            new DiscordTyping("channel", "somebody"), new DiscordTyping("channel", "bot"), new DiscordEventsMissed());

        await watcher.Heard(4);
        Assert.Equal(["1", "4"], watcher.Events.OfType<DiscordMessageSeen>().Select(message => message.Id));
        Assert.Single(watcher.Events.OfType<DiscordTyping>());
        Assert.Single(watcher.Events.OfType<DiscordEventsMissed>());
    }

    [Fact]
    public async Task Unwatch_HearsNothingMore()
    {
        var (gone, here) = (new Watcher(), new Watcher());
        var connection = await Connected();
        await Session.Watch(new DiscordWatch("gone", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(gone));
        await Session.Watch(new DiscordWatch("here", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(here));
        await Session.Unwatch("gone");

        connection.Happens(Message("1", "channel", "bot"));

        await here.Heard(1);
        Assert.Empty(gone.Events);
    }

    [Fact]
    public async Task Watch_ListenerRefused_SaysWhy()
    {
        var watching = Session.Watch(new DiscordWatch("w", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(new Watcher()));
        (await Discord.NextConnection()).Refused.SetResult("the intent is off");

        var error = await Assert.ThrowsAsync<ClusterException>(() => watching);

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
        Assert.Contains("the intent is off", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Own_HeldByADeadNode_SaysUntilWhen()
    {
        await Connected();
        await Crash();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Session.TakeLease());
        Assert.True(error.Until > Silo.Time.GetUtcNow());

        Silo.Time.Advance(error.Until!.Value - Silo.Time.GetUtcNow() + TimeSpan.FromSeconds(1));
        await Session.TakeLease();
    }

    [Fact]
    public async Task Fleet_ListenerIsDeclaredOtherwise_ConnectsAnew()
    {
        var first = await Connected();
                await Catalog.Import(Fleet with { Version = "2", Listeners = [Fleet.Listeners[0] with { GuildId = "2" }] });
        var second = Discord.NextConnection();

        await Eventually(() => Task.FromResult(second.IsCompleted), isConnected => isConnected);

        Assert.Equal(("1", "2"), (first.Listener.GuildId, (await second).Listener.GuildId));
    }

    [Fact]
    public async Task Connection_BreaksThroughAFault_IsMadeAgainAndWatchedAnew()
    {
        var first = await Connected();
        await Session.Watch(new DiscordWatch("w", "channel", "bot"), Silo.Grains.CreateObjectReference<IDiscordObserver>(new Watcher()));
        var second = Discord.NextConnection();

        first.Refused.SetException(new ClusterException(ErrorCode.CallRejected, "The store cannot be reached."));

        await Eventually(() => Task.FromResult(second.IsCompleted), isConnected => isConnected);
        Assert.False(await Session.IsWatching("w"));
        Assert.Equal("connecting", (await Session.Connect()).State);
    }

    [Fact]
    public async Task Fleet_OnlySealsDiffer_StaysConnected()
    {
        await Connected();
                await Catalog.Import(Fleet with { Version = "2", Listeners = [Fleet.Listeners[0] with { Token = new Secret("sealed anew") }] });
        var second = Discord.NextConnection();

        await Silo.PassSeconds(10, () => second.IsCompleted);

        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Fleet_ListenerIsRemoved_DisconnectsAndSaysSo()
    {
        await Connected();
        await Catalog.Import(Fleet with { Version = "2", Listeners = [] });

        var health = await Eventually(() => Session.Connect(), health => health.State == "failed");

        Assert.Contains("not in the fleet", health.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_IsTold()
    {
        var connection = await Connected();
        await Eventually(Entry, entry => entry.State == HealthState.Ok);

        connection.Refused.SetResult("the intent is off");
        var entry = await Eventually(Entry, entry => entry.State == HealthState.SetAside);

        Assert.Equal(("l1.0", "the intent is off"), (entry.Id, entry.Reason));

        async Task<HealthEntry> Entry() => (await Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health).List()).Single(entry => entry is { Kind: HealthKind.Listener, Id: "l1.0" });
    }

    private async Task<T> Eventually<T>(Func<Task<T>> look, Func<T, bool> fits)
    {
        var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (await look() is { } found && fits(found)) return found;
            Silo.Time.Advance(TimeSpan.FromSeconds(1));
            await Silo.Settle();
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    private async Task<FakeConnection> Connected()
    {
        await Session.Connect();
        var connection = await Discord.NextConnection();
        connection.Become("ready");
        return connection;
    }

    private static DiscordMessageSeen Message(string id, string channel, string? author) => new() { Id = id, ChannelId = channel, AuthorId = author, Text = "x" };

    private sealed class Watcher : IDiscordObserver
    {
        private readonly ConcurrentQueue<DiscordEvent> _events = new();
        private readonly SemaphoreSlim _heard = new(0);

        public IReadOnlyCollection<DiscordEvent> Events => _events;

        public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events)
        {
            foreach (var one in events)
            {
                _events.Enqueue(one);
                _heard.Release();
            }
            return ValueTask.FromResult(true);
        }

        public async Task Heard(int count)
        {
            for (var i = 0; i < count; i++) Assert.True(await _heard.WaitAsync(TimeSpan.FromSeconds(30)));
        }
    }
}
