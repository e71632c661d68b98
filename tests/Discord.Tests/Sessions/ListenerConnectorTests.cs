using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Discord.Tests;

public sealed class ListenerConnectorTests : DiscordGrainTest
{
    private ListenerConnector Connector => Silo.Services.GetRequiredService<ListenerConnector>();

    [Fact]
    public async Task Connect_ListenerWithShards_ConnectsTheShardOfItsServer()
    {
        var listener = Fleet.Listeners[0] with { Shards = 2, GuildId = $"{1ul << 22}" };
        await Catalog.Import(Fleet with { Version = "2", Listeners = [listener] });

        await Connector.Connect(listener);

        Assert.Equal(1, (await Discord.NextConnection()).Shard);
    }

    [Fact]
    public async Task Connect_ChannelIsDue_DeletesIt()
    {
        var janitor = Silo.Grains.GetGrain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor("l1"));
        await janitor.Create(new DiscordChannelRequest("turn", "chat", null, IsThread: false, TimeSpan.FromSeconds(1)));
        await TestSilo.DeactivateAsync(janitor);
        Silo.Time.Advance(TimeSpan.FromSeconds(2));

        await Connector.Connect(Fleet.Listeners[0]);

        Assert.Empty(Discord.Channels);
    }
}
