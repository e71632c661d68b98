using System.Text;
using CozeCluster.Grains;
using CozeCluster.Upstreams.Coze;
using CozeCluster.Upstreams.Shared.Sse;

namespace CozeCluster.Micro;

/// <summary>From the bytes of Coze's event stream to the reply log.</summary>
internal static class UpstreamBenchmarks
{
    private const int Deltas = 1000;

    public static async Task RunAsync(BenchmarkRunner runner)
    {
        var record = Encoding.UTF8.GetBytes(
            """
            event:conversation.message.delta
            data:{"id":"7317951679560000006","conversation_id":"7217951679560000002","bot_id":"7350000000000000001","chat_id":"7117951679560000004",
            """.ReplaceLineEndings("\n") +
            """
            "section_id":"7417951679560000003","role":"assistant","type":"answer","content":"rain. ra","content_type":"text"}


            """.ReplaceLineEndings("\n"));
        var stream = new MemoryStream([.. Enumerable.Repeat(record, Deltas).SelectMany(bytes => bytes)]);
        var turn = new UpstreamTurn(
            "turn",
            new BotDefinition { Id = "bot", Upstream = "coze", UpstreamBotId = "1", Accounts = ["account"] },
            new AccountDefinition { Id = "account", Upstream = "coze", BaseUrl = "http://x.test" },
            "user",
            []);

        await runner.RunAsync("Coze delta, cut from the stream", async () =>
        {
            stream.Position = 0;
            using var records = new SseRecordReader(stream);
            while (await records.WaitToRead(CancellationToken.None))
            {
                while (records.TryRead(out _))
                {
                }
            }
        }, Deltas);

        await runner.RunAsync("Coze delta, cut, read and put into the log", async () =>
        {
            stream.Position = 0;
            using var records = new SseRecordReader(stream);
            var reply = new CozeReply(new CozeIds(turn, logId: null));
            var log = new ReplyLog();
            while (await records.WaitToRead(CancellationToken.None))
            {
                while (records.TryRead(out var next)) CozeEventReader.Read(next, reply, log);
            }
        }, Deltas);
    }
}
