using CozeCluster.Grains;
using CozeCluster.Messages;

namespace CozeCluster.Micro;

/// <summary>A delta's way through the conversation: into the log and out to one observer.</summary>
internal static class ReplyPieces
{
    private const int Deltas = 1000;

    public static async Task RunAsync(Measure measure)
    {
        await measure.RunAsync("log, append one delta and read it", () =>
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

        var observer = new Taker();
        await measure.RunAsync("log, append one delta and deliver it", () =>
        {
            var turn = new LiveTurn(new TurnRecord { TurnId = "turn" }, new ReplyLog(), TimeProvider.System);
            turn.Observe(new Subscription("subscription", Cursor.Start), observer);
            var part = turn.Log.Open("message", TextKind.Answer);
            for (var i = 0; i < Deltas; i++)
            {
                turn.Log.Append(part, "river. s");
                turn.Publish();
            }
        }, Deltas);
    }

    private sealed class Taker : IReplyObserver
    {
        public ValueTask<ReplyAck> OnReply(ReplyBatch batch) => new(ReplyAck.Taken);
    }
}
