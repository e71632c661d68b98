using System.Buffers;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace CozeCluster.Micro;

/// <summary>Messages on their way between processes, and what is written for every chunk.</summary>
internal static class MessagePieces
{
    public static async Task RunAsync(Measure measure)
    {
        var batch = new ReplyBatch("turn_0123456789abcdefghjkmnpqrs", [new ReplyText(0, 160, 0, "river. s".AsMemory())], new Cursor(0, 168));
        await using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer<ReplyBatch>>();
        var bytes = serializer.SerializeToArray(batch);
        var output = new ArrayBufferWriter<byte>(1024);

        await measure.RunAsync("batch of one delta, to bytes", () =>
        {
            output.ResetWrittenCount();
            serializer.Serialize(batch, output);
        });
        await measure.RunAsync("batch of one delta, from bytes", () => serializer.Deserialize(bytes));

        var text = new byte[Cursor.MaxLength];
        await measure.RunAsync("cursor, to text", () => batch.Next.TryFormat(text, out _));
        await measure.RunAsync("cursor, from text", () => Cursor.TryParse("12.34567", out _));
        await measure.RunAsync("turn id, new", () => TurnId.New("demo", "my chat"));
        await measure.RunAsync("API key, hashed", () => GrainKeys.ApiKeyHash("a key of as many characters as most services have"));
    }
}
