using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.GrainReferences;
using Orleans.Metadata;
using Orleans.Serialization;

namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class FeedAddressTests
{
    /// <summary>The address is part of a message. Its observer must arrive as a reference that can be called.</summary>
    [Fact]
    public async Task An_observer_is_sent_as_a_reference()
    {
        await using var services = new ServiceCollection().AddLogging().AddOrleansClient(client => client.UseLocalhostClustering()).BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        var interfaceType = services.GetRequiredService<GrainInterfaceTypeResolver>().GetGrainInterfaceType(typeof(IReplyObserver));
        var observer = services.GetRequiredService<GrainReferenceActivator>()
            .CreateReference(GrainId.Create("sys.client", "node+observer"), interfaceType)
            .AsReference<IReplyObserver>();
        var sent = new Subscription("s", new Cursor(1, 2), new FeedAddress(observer, 7)) { Received = 3 };

        var received = serializer.Deserialize<Subscription>(serializer.SerializeToArray(sent))!;

        Assert.Equal(sent, received);
        Assert.Equal(observer.GetGrainId(), received.Feed.Process.GetGrainId());
    }
}
