using System.IO.Pipelines;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Micro;

/// <summary>From a batch of a reply to the bytes of an event stream.</summary>
internal static class GatewayBenchmarks
{
    private const int Deltas = 1000;

    public static async Task RunAsync(BenchmarkRunner runner)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, resumeWriterThreshold: 0));
        using var writer = new SseWriter(pipe.Writer);
        var info = new CompletionInfo("turn_0123456789abcdefghjkmnpqrs", "coze-sandbox", 1_790_000_000, null);
        var renderer = new ChatStream(info, new ReplyAddresses("http://node"), includeUsage: false);
        var batches = Enumerable.Range(0, Deltas)
            .Select(i => new ReplyBatch("turn", [new ReplyText(0, i * 8, 0, "river. s".AsMemory())], new Cursor(0, i * 8 + 8)))
            .ToList();

        await runner.RunAsync("event of one delta, written and flushed", async () =>
        {
            foreach (var batch in batches)
            {
                renderer.Render(writer, batch);
                await writer.Flush(CancellationToken.None);
                var read = await pipe.Reader.ReadAsync();
                pipe.Reader.AdvanceTo(read.Buffer.End);
            }
        }, Deltas);
    }
}
