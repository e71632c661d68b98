using CozeCluster.Grains.Testing;
using CozeCluster.Sandbox.Discord;
using CozeCluster.TestKit;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Discord.Tests;

/// <summary>Grains cannot be reached, for example because their node has failed and the cluster has not noticed yet.</summary>
public sealed class UnreachableTests
{
    [Theory]
    [InlineData(nameof(IChannelJanitorGrain.Create), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IDiscordSessionGrain.Watch), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IAccountGrain.Post), ErrorCode.UpstreamOutcomeUnknown)]
    public async Task Turn_can_be_retried_unless_it_was_being_posted(string method, ErrorCode code)
    {
        await using var silo = await DiscordSilo.Start();
        await silo.WaitForListener("l1");
        using var upstream = Upstream(
            silo, (called, call) => called == method ? throw new ClusterException(ErrorCode.CallRejected, "The node has failed.") : call());
        var turn = Turn(silo, "x");

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await upstream.Open(turn, TestContext.Current.CancellationToken));

        Assert.Equal(code, error.Code);
        Assert.Empty(silo.Posts);
    }

    [Fact]
    public async Task Reply_that_continues_while_its_watch_is_lost_and_restored_is_complete_and_in_one_part()
    {
        const string Beginning = "It begins. ";
        var full = Beginning.PadRight(2_000, '.');
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("end.first_wait", "1s"), ("end.cold_wait", "300ms")));
        await silo.WaitForListener("l1");
        var watches = 0;
        DiscordRecord? prompt = null;
        var first = "";
        using var upstream = Upstream(
            silo, (called, call) => called != nameof(IDiscordSessionGrain.Watch) ? call() : ++watches == 1 ? Task.CompletedTask : ContinueReply(call));
        var turn = Turn(silo, "x [[silent]]");
        await using var exchange = await upstream.Open(turn, TestContext.Current.CancellationToken);
        prompt = Assert.Single(silo.Posts);
        first = silo.Discord.Post(DiscordSilo.CozeBot.Id, prompt.ChannelId!, Beginning, prompt.MessageId);

        var sink = new RecordingSink();
        await sink.ReadAll(exchange);

        Assert.Equal(full + "It ends.", Assert.Single(sink.Answers));

        // The bot edits its message before the watch is restored, and posts another one afterwards.
        async Task ContinueReply(Func<object?> watch)
        {
            if (watches > 2) return;
            var session = silo.Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession("l1", 0));
            var edited = new EditObserver();
            var observer = silo.Grains.CreateObjectReference<IDiscordObserver>(edited);
            await session.Watch(new DiscordWatch("test", prompt!.ChannelId!, DiscordSilo.CozeBot.Id), observer);
            silo.Discord.Edit(prompt.ChannelId!, first, full);
            await edited.Seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await session.Unwatch("test");
            silo.Grains.DeleteObjectReference<IDiscordObserver>(observer);
            await (Task)watch()!;
            silo.Discord.Post(DiscordSilo.CozeBot.Id, prompt.ChannelId!, "It ends.", prompt.MessageId);
        }
    }

    [Fact]
    public async Task Reply_whose_watch_was_lost_before_it_began_is_received_within_seconds()
    {
        var time = new ManualTime();
        await using var silo = await DiscordSilo.Start();
        await silo.WaitForListener("l1");
        var (watches, checks) = (0, 0);
        using var upstream = Upstream(
            silo,
            (called, call) => called switch
            {
                nameof(IDiscordSessionGrain.Watch) when ++watches == 1 => Task.CompletedTask,
                // At the first check, the session cannot be reached.
                nameof(IDiscordSessionGrain.IsWatching) when ++checks == 1 => throw new ClusterException(ErrorCode.CallRejected, "The node has failed."),
                _ => call(),
            },
            time);
        var turn = Turn(silo, "x [[silent]]");
        await using var exchange = await upstream.Open(turn, TestContext.Current.CancellationToken);
        var prompt = Assert.Single(silo.Posts);
        silo.Discord.Post(DiscordSilo.CozeBot.Id, prompt.ChannelId!, "It is there.", prompt.MessageId);
        var sink = new RecordingSink();
        var reading = exchange.WaitToRead(TestContext.Current.CancellationToken).AsTask();
        // The handle.
        Assert.True(await reading);
        exchange.Read(sink);
        reading = exchange.WaitToRead(TestContext.Current.CancellationToken).AsTask();
        for (var check = 0; check < 2; check++)
        {
            await Until.True(() => checks == check && time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(3));
            time.Advance(TimeSpan.FromSeconds(3));
        }
        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        exchange.Read(sink);

        Assert.Equal("It is there.", Assert.Single(sink.Answers));
        Assert.Equal((2, 2), (watches, checks));
    }

    [Fact]
    public async Task Reply_is_read_from_the_channel_while_its_session_does_not_answer()
    {
        var time = new ManualTime();
        await using var silo = await DiscordSilo.Start();
        await silo.WaitForListener("l1");
        using var before = Upstream(silo, (_, call) => call());
        var turn = Turn(silo, "x [[silent]]");
        var sink = new RecordingSink();
        await using (var sent = await before.Open(turn, TestContext.Current.CancellationToken))
        {
            Assert.True(await sent.WaitToRead(TestContext.Current.CancellationToken));
            sent.Read(sink);
        }
        var never = new TaskCompletionSource();
        using var upstream = Upstream(silo, (called, call) => called == nameof(IDiscordSessionGrain.Watch) ? never.Task : call(), time);
        await using var exchange = await upstream.Attach(turn, sink.Handles[^1], TestContext.Current.CancellationToken);
        Assert.True(await exchange.WaitToRead(TestContext.Current.CancellationToken));
        exchange.Read(sink);
        var reading = exchange.WaitToRead(TestContext.Current.CancellationToken).AsTask();
        // The channel was read once, and there was no reply.
        await Until.True(() => time.NextDue <= time.GetUtcNow() + TimeSpan.FromSeconds(3));
        var prompt = Assert.Single(silo.Posts);
        silo.Discord.Post(DiscordSilo.CozeBot.Id, prompt.ChannelId!, "It is there.", prompt.MessageId);

        time.Advance(TimeSpan.FromSeconds(3));

        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        exchange.Read(sink);
        Assert.Equal("It is there.", Assert.Single(sink.Answers));
    }

    private static DiscordUpstream Upstream(DiscordSilo silo, Func<string, Func<object?>, object?> intercept, TimeProvider? time = null) => new(
        new InterceptedGrains(silo.Grains, intercept),
        silo.Fleet,
        silo.Services.GetRequiredService<IDiscordApi>(),
        silo.Services.GetRequiredService<IBlobStore>(),
        time ?? TimeProvider.System,
        NullLogger<DiscordUpstream>.Instance);

    private static UpstreamTurn Turn(DiscordSilo silo, string text)
    {
        var (bot, account) = (silo.Fleet.FindBot("b1"), silo.Fleet.FindAccount("a1"));
        return new UpstreamTurn(TestIds.Ids.NewTurn(DiscordSilo.Tenant, null), bot!, account!, "", [new ChatMessage(ChatRole.User, [new TextContent(text)])]);
    }

    /// <summary>Completes when the session has received an edit.</summary>
    private sealed class EditObserver : IDiscordObserver
    {
        public TaskCompletionSource Seen { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events)
        {
            if (events.OfType<DiscordMessageSeen>().Any(message => message.EditedAt is not null)) Seen.TrySetResult();
            return ValueTask.FromResult(true);
        }
    }
}
