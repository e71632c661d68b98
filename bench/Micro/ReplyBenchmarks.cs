using CozeCluster.Grains;
using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Micro;

/// <summary>The path of a delta through a conversation: into the log, and to one subscriber.</summary>
internal static class ReplyBenchmarks
{
    private const int Deltas = 1000;

    public static async Task RunAsync(BenchmarkRunner runner)
    {
        await runner.RunAsync("log, append one delta and read it", () =>
        {
            var log = new ReplyLog();
            var part = log.Open("message", TextKind.Answer);
            var cursor = Cursor.Start;
            for (var i = 0; i < Deltas; i++)
            {
                log.Append(part, "river. s");
                cursor = log.Read("turn", cursor, 16 * 1024).Next;
            }
        }, Deltas);
        await RunAsync(runner, "directly", new ReplyFeedOptions());
        await RunAsync(runner, "as Orleans calls", new ReplyFeedOptions { DirectPath = false });
    }

    private static TurnRow Row { get; } = new()
    {
        Id = 1, Version = 0, TurnId = "turn", TenantId = "tenant", Model = "model", Status = TurnStatus.Running, CreatedAt = default, Details = [],
    };

    private static async Task RunAsync(BenchmarkRunner runner, string path, ReplyFeedOptions options)
    {
        await using var silo = await TestSilo.StartAsync(silo => silo.Services.AddSingleton(options), time: TimeProvider.System);
        var subscriber = new Subscriber();
        using var feed = silo.Feeds.Open(subscriber);
        var target = silo.Services.GetRequiredService<ReplyFeeds>().To(feed.Address);

        await runner.RunAsync($"log, append one delta and deliver it {path}", async () =>
        {
            var turn = new LiveTurn(new TurnProgress { Row = Row }, new ReplyLog(), TimeProvider.System);
            var all = subscriber.WaitFor(new Cursor(0, Deltas * 8));
            turn.Subscribe(new Subscription("subscription", Cursor.Start, feed.Address), target, NullLogger.Instance);
            var part = turn.Log.Open("message", TextKind.Answer);
            for (var i = 0; i < Deltas; i++)
            {
                turn.Log.Append(part, "river. s");
                turn.Publish();
            }
            await all;
        }, Deltas);
    }

    private sealed class Subscriber : IReplyInbox
    {
        private TaskCompletionSource _all = new();
        private Cursor _end;

        public Task WaitFor(Cursor end)
        {
            _end = end;
            _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _all.Task;
        }

        public ReplyAck TryPost(ReplyBatch batch)
        {
            if (batch.Next == _end) _all.TrySetResult();
            return ReplyAck.Taken;
        }
    }
}
