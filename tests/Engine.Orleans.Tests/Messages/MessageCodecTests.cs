using System.Text;
using CozeCluster.Messages;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Messages and errors through Orleans' serializer, as between processes.</summary>
public sealed class MessageCodecTests
{
    private readonly ServiceProvider _services = new ServiceCollection()
        .AddLogging()
        .AddOrleansGateway([], options => options.ConnectionString = "Host=localhost")
        .BuildServiceProvider();

    [Fact]
    public void A_batch_arrives_with_every_kind_of_event()
    {
        var batch = new ReplyBatch(
            "turn",
            [
                new ReplyText(0, 0, 0, "Hello, 你好 😀".AsMemory()),
                new ReplyItemAdded(1, new ImageItem("i", "https://example.com/x.png")),
                new ReplyRewritten(0, 3),
                new ReplyCompleted(FinishReason.Stop, new Usage(1, 2, 3), null),
            ],
            new Cursor(1, 1));

        var copy = RoundTrip(batch);

        Assert.Equal("Hello, 你好 😀", ((ReplyText)copy.Events[0]).Text.ToString());
        Assert.Equal(batch.Events.Skip(1), copy.Events.Skip(1));
        Assert.Equal(batch.Next, copy.Next);
    }

    [Fact]
    public void Lists_arrive_whatever_they_are_made_of()
    {
        ModelInfo[] models = [new("a", DateTimeOffset.UnixEpoch), new("b", DateTimeOffset.UnixEpoch)];

        Assert.Equal(models, RoundTrip<IReadOnlyList<ModelInfo>>(models));
        Assert.Equal(models, RoundTrip<IReadOnlyList<ModelInfo>>(models.ToList()));
        Assert.Equal(models, RoundTrip<IReadOnlyList<ModelInfo>>([.. models.Where(_ => true)]));
        Assert.Equal(models.Take(1), RoundTrip<IReadOnlyList<ModelInfo>>([models[0]]));
        Assert.Empty(RoundTrip<IReadOnlyList<ModelInfo>>([]));
        Assert.Equal(["x", "y"], RoundTrip<IReadOnlyList<string>>(["x", "y"]));
    }

    [Fact]
    public void Values_and_nothing_arrive()
    {
        Assert.Equal(new Cursor(2, 140), RoundTrip(new Cursor(2, 140)));
        Assert.Null(RoundTrip<ApiKeyInfo?>(null));
        Assert.Equal(TimeSpan.FromMinutes(1), RoundTrip<TimeSpan?>(TimeSpan.FromMinutes(1)));
        Assert.Equal(ReplyAck.Full, RoundTrip(ReplyAck.Full));
    }

    [Fact]
    public void No_name_of_a_type_is_on_the_wire()
    {
        var wire = Encoding.UTF8.GetString(Serializer.SerializeToArray(new ModelInfo("a", DateTimeOffset.UnixEpoch)));

        Assert.Contains("ModelInfo{", wire);
        Assert.DoesNotContain("CozeCluster", wire);
    }

    [Fact]
    public void Within_a_process_nothing_is_copied()
    {
        var model = new ModelInfo("a", DateTimeOffset.UnixEpoch);

        Assert.Same(model, _services.GetRequiredService<DeepCopier>().Copy(model));
    }

    [Fact]
    public void An_error_arrives_with_all_it_says_and_without_its_cause()
    {
        var until = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

        var copy = (ClusterException)RoundTrip<Exception>(new ClusterException(ErrorCode.RateLimited, "Slow, 慢.", "messages[0]", until, new InvalidOperationException("secret")));

        Assert.Equal((ErrorCode.RateLimited, "Slow, 慢.", "messages[0]", until), (copy.Code, copy.Message, copy.Param, copy.Until));
        Assert.Null(copy.InnerException);
    }

    private Serializer Serializer => _services.GetRequiredService<Serializer>();

    private T RoundTrip<T>(T value) => Serializer.Deserialize<T>(Serializer.SerializeToArray(value));
}
