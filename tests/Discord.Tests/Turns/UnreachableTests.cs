using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Discord.Tests;

/// <summary>Calls do not reach their grains, as while a node that died is still being found out.</summary>
public sealed class UnreachableTests
{
    [Theory]
    [InlineData(nameof(ICatalogGrain.FindListener), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IChannelJanitorGrain.Create), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IDiscordSessionGrain.Watch), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IAccountGrain.Post), ErrorCode.UpstreamOutcomeUnknown)]
    public async Task Turn_is_worth_another_try_unless_it_was_being_posted(string method, ErrorCode code)
    {
        await using var house = await DiscordHouse.Start();
        await house.Health("l1");
        using var upstream = Upstream(house, (called, call) => called == method ? throw new ClusterException(ErrorCode.CallRejected, "away") : call());
        var turn = await Turn(house, "x");

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await upstream.Open(turn, TestContext.Current.CancellationToken));

        Assert.Equal(code, error.Code);
        Assert.Empty(house.Posts);
    }

    [Fact]
    public async Task Reply_that_went_on_while_its_watch_was_lost_and_set_anew_is_whole_and_in_one_part()
    {
        const string Beginning = "It begins. ";
        var full = Beginning.PadRight(2_000, '.');
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("end.first_wait", "1s"), ("end.cold_wait", "300ms")));
        await house.Health("l1");
        var watches = 0;
        DiscordRecord? prompt = null;
        var first = "";
        using var upstream = Upstream(house, (called, call) => called != nameof(IDiscordSessionGrain.Watch) ? call() : ++watches == 1 ? Task.CompletedTask : GoOn(call));
        var turn = await Turn(house, "x [[silent]]");
        await using var exchange = await upstream.Open(turn, TestContext.Current.CancellationToken);
        prompt = Assert.Single(house.Posts);
        first = house.Discord.Post(DiscordHouse.CozeBot.Id, prompt.ChannelId!, Beginning, prompt.MessageId);

        var sink = new RecordingSink();
        await sink.ReadAll(exchange);

        Assert.Equal(full + "It ends.", Assert.Single(sink.Answers));

        // While the session takes its time to watch again; what comes then is heard.
        async Task GoOn(Func<object?> watch)
        {
            if (watches > 2) return;
            var session = house.Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession("l1", 0));
            var edited = new Edit();
            var observer = house.Grains.CreateObjectReference<IDiscordObserver>(edited);
            await session.Watch(new DiscordWatch("test", prompt!.ChannelId!, DiscordHouse.CozeBot.Id), observer);
            house.Discord.Edit(prompt.ChannelId!, first, full);
            await edited.Seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await session.Unwatch("test");
            house.Grains.DeleteObjectReference<IDiscordObserver>(observer);
            await (Task)watch()!;
            house.Discord.Post(DiscordHouse.CozeBot.Id, prompt.ChannelId!, "It ends.", prompt.MessageId);
        }
    }

    [Fact]
    public async Task Reply_whose_watch_was_forgotten_before_it_began_is_heard_within_seconds()
    {
        var time = new ManualTime();
        await using var house = await DiscordHouse.Start();
        await house.Health("l1");
        var (watches, looks) = (0, 0);
        using var upstream = Upstream(
            house,
            (called, call) => called switch
            {
                nameof(IDiscordSessionGrain.Watch) when ++watches == 1 => Task.CompletedTask,
                // The first time the session cannot be reached.
                nameof(IDiscordSessionGrain.IsWatching) when ++looks == 1 => throw new ClusterException(ErrorCode.CallRejected, "away"),
                _ => call(),
            },
            time);
        var turn = await Turn(house, "x [[silent]]");
        await using var exchange = await upstream.Open(turn, TestContext.Current.CancellationToken);
        var prompt = Assert.Single(house.Posts);
        house.Discord.Post(DiscordHouse.CozeBot.Id, prompt.ChannelId!, "It is there.", prompt.MessageId);
        var sink = new RecordingSink();
        var reading = exchange.WaitToRead(TestContext.Current.CancellationToken).AsTask();
        // What is known of the turn so far.
        Assert.True(await reading);
        exchange.Read(sink);
        reading = exchange.WaitToRead(TestContext.Current.CancellationToken).AsTask();
        for (var look = 0; look < 2; look++)
        {
            await Until.True(() => looks == look && time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(3));
            time.Advance(TimeSpan.FromSeconds(3));
        }
        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        exchange.Read(sink);

        Assert.Equal("It is there.", Assert.Single(sink.Answers));
        Assert.Equal((2, 2), (watches, looks));
    }

    [Fact]
    public async Task Reply_is_read_while_its_session_does_not_answer()
    {
        var time = new ManualTime();
        await using var house = await DiscordHouse.Start();
        await house.Health("l1");
        using var before = Upstream(house, (_, call) => call());
        var turn = await Turn(house, "x [[silent]]");
        var sink = new RecordingSink();
        await using (var sent = await before.Open(turn, TestContext.Current.CancellationToken))
        {
            Assert.True(await sent.WaitToRead(TestContext.Current.CancellationToken));
            sent.Read(sink);
        }
        var never = new TaskCompletionSource();
        using var upstream = Upstream(house, (called, call) => called == nameof(IDiscordSessionGrain.Watch) ? never.Task : call(), time);
        await using var exchange = await upstream.Attach(turn, sink.Handles[^1], TestContext.Current.CancellationToken);
        Assert.True(await exchange.WaitToRead(TestContext.Current.CancellationToken));
        exchange.Read(sink);
        var reading = exchange.WaitToRead(TestContext.Current.CancellationToken).AsTask();
        // Read once, in vain.
        await Until.True(() => time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(3));
        var prompt = Assert.Single(house.Posts);
        house.Discord.Post(DiscordHouse.CozeBot.Id, prompt.ChannelId!, "It is there.", prompt.MessageId);

        time.Advance(TimeSpan.FromSeconds(3));

        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        exchange.Read(sink);
        Assert.Equal("It is there.", Assert.Single(sink.Answers));
    }

    private static DiscordUpstream Upstream(DiscordHouse house, Func<string, Func<object?>, object?> instead, TimeProvider? time = null) => new(
        new WalledGrains(house.Grains, instead), house.Services.GetRequiredService<IDiscordApi>(), house.Services.GetRequiredService<IBlobStore>(), time ?? TimeProvider.System,
        NullLogger<DiscordUpstream>.Instance);

    private static async Task<UpstreamTurn> Turn(DiscordHouse house, string text)
    {
        var catalog = house.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);
        var (bot, account) = (await catalog.FindBot("b1"), await catalog.FindAccount("a1"));
        return new UpstreamTurn(TurnId.New(DiscordHouse.Tenant, null), bot!, account!, "", [new ChatMessage(ChatRole.User, [new TextContent(text)])]);
    }

    /// <summary>Sees when the session has heard of an edit.</summary>
    private sealed class Edit : IDiscordObserver
    {
        public TaskCompletionSource Seen { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events)
        {
            if (events.OfType<DiscordMessageSeen>().Any(message => message.EditedAt is not null)) Seen.TrySetResult();
            return ValueTask.FromResult(true);
        }
    }
}
