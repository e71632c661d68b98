using System.Buffers;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace CozeCluster.Micro;

/// <summary>The serialization of messages between processes, and the texts of cursors, ids and keys.</summary>
internal static class MessageBenchmarks
{
    public static async Task RunAsync(BenchmarkRunner runner)
    {
        var batch = new ReplyBatch("turn_0123456789abcdefghjkmnpqrs", [new ReplyText(0, 160, 0, "river. s".AsMemory())], new Cursor(0, 168));
        await using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer<ReplyBatch>>();
        var bytes = serializer.SerializeToArray(batch);
        var output = new ArrayBufferWriter<byte>(1024);

        await runner.RunAsync("batch of one delta, to bytes", () =>
        {
            output.ResetWrittenCount();
            serializer.Serialize(batch, output);
        });
        await runner.RunAsync("batch of one delta, from bytes", () => serializer.Deserialize(bytes));

        var text = new byte[Cursor.MaxLength];
        await runner.RunAsync("cursor, to text", () => batch.Next.TryFormat(text, out _));
        await runner.RunAsync("cursor, from text", () => Cursor.TryParse("12.34567", out _));
        var ids = new ConversationIds(ConversationIds.NewKey());
        await runner.RunAsync("turn id, new", () => ids.NewTurn("demo", "my chat"));
        await runner.RunAsync("API key, hashed", () => GrainKeys.ApiKeyHash("a key of as many characters as most services have"));
    }
}
