using CozeCluster.Grains.Testing;

namespace CozeCluster.Discord.Tests;

/// <summary>What tenants may do with the channels of a server. The server has the id 1, and the listeners l1 and l2.</summary>
public sealed class GuildChannelsTests : DiscordGrainTest
{
    private const string General = "0";
    private static readonly GuildAccess Alone = new("t", "l1", IsShared: false, []);
    private static readonly GuildAccess Shared = Alone with { IsShared = true };

    private IGuildChannelsGrain Guild => Silo.Grains.GetGrain<IGuildChannelsGrain>(GrainKeys.GuildChannels("1"));

    private IChannelJanitorGrain Janitor => Silo.Grains.GetGrain<IChannelJanitorGrain>(GrainKeys.ChannelJanitor("l1"));

    public GuildChannelsTests() => Discord.Channels[General] = new DiscordChannelInfo(General, "general", null, 0, null);

    [Theory]
    [InlineData(GuildChannelKind.Text)]
    [InlineData(GuildChannelKind.Category)]
    [InlineData(GuildChannelKind.Thread)]
    public async Task Create_CreatesWhatWasAskedFor(GuildChannelKind kind)
    {
        var wanted = New(kind, "mine", kind == GuildChannelKind.Thread ? General : null, kind == GuildChannelKind.Thread ? 60 : null);

        var created = await Guild.Create(Alone, wanted);

        var channel = Discord.Channels[created.Id];
        Assert.Equal(("mine", (int)kind, wanted.ParentId, wanted.ArchiveMinutes), (channel.Name, channel.Kind, channel.ParentId, channel.ArchiveMinutes));
        Assert.Equal("mine", created.Name);
    }

    [Theory]
    [InlineData("", null, "name")]
    [InlineData("x", General, "parentId")]
    [InlineData("x", "42", "parentId")]
    [InlineData("x", "not a number", "parentId")]
    public async Task Create_ChannelThatCannotExist_NamesWhatIsWrong(string name, string? parent, string param)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Guild.Create(Alone, New(GuildChannelKind.Text, name, parent)));

        Assert.Equal((ErrorCode.InvalidRequest, param), (error.Code, error.Param));
        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task Create_NameIsTooLong_IsRefused() => Assert.Equal(
        "name", (await Assert.ThrowsAsync<ClusterException>(() => Guild.Create(Alone, New(GuildChannelKind.Text, new string('x', 101), null)))).Param);

    [Fact]
    public async Task Create_InACategoryOfItsOwn_CreatesTheChannelThere()
    {
        var category = await Guild.Create(Shared, New(GuildChannelKind.Category, "ours", null));

        var channel = await Guild.Create(Shared, New(GuildChannelKind.Text, "talk", category.Id));

        Assert.Equal(category.Id, Discord.Channels[channel.Id].ParentId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Create_Again_ReturnsTheSameChannel(bool crashes)
    {
        var wanted = New(GuildChannelKind.Text, "My Talk", null);
        var first = await Guild.Create(Alone, wanted);
        if (crashes) await Crash();

        Assert.Equal(first.Id, (await Guild.Create(Alone, wanted)).Id);
        Assert.NotEqual(first.Id, (await Guild.Create(Alone, New(GuildChannelKind.Text, "My Talk", null))).Id);
        Assert.Equal(3, Discord.Channels.Count);
    }

    [Fact]
    public async Task Create_AgainAfterTheResponseWasLost_FindsTheChannelThatWasCreated()
    {
        await Guild.Create(Alone, New(GuildChannelKind.Category, "My Talk", null));
        Discord.LostResponses.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "The connection broke."));
        var wanted = New(GuildChannelKind.Text, "My Talk", null);
        await Assert.ThrowsAsync<ClusterException>(() => Guild.Create(Alone, wanted));
        var lost = Discord.Channels.Values.MaxBy(channel => int.Parse(channel.Id, System.Globalization.CultureInfo.InvariantCulture))!;
        await Crash();

        Assert.Equal(lost.Id, (await Guild.Create(Shared, wanted)).Id);
        Assert.True(await Guild.MayUse(Shared, lost.Id));
    }

    [Fact]
    public async Task Create_ServerFull_DeletesNothing()
    {
        await Janitor.Release(await TurnChannel("t"), TimeSpan.FromHours(1));
        Discord.MaxChannels = 2;

        var error = await Assert.ThrowsAsync<ClusterException>(() => Guild.Create(Alone, New(GuildChannelKind.Text, "x", null)));

        Assert.Equal((ErrorCode.UpstreamFailed, 2), (error.Code, Discord.Channels.Count));
    }

    [Fact]
    public async Task Delete_OnlyTenantOfTheServer_DeletesAnyChannel()
    {
        await Guild.Delete(Alone, General);

        Assert.Empty(Discord.Channels);
    }

    [Theory]
    [InlineData("42")]
    [InlineData("")]
    [InlineData("general")]
    [InlineData("0/messages")]
    public async Task Delete_ChannelThatTheServerDoesNotHave_AsksDiscordForNothing(string id)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Guild.Delete(Alone, id));

        Assert.Equal((ErrorCode.NotFound, 0), (error.Code, Discord.DeletionCount));
    }

    [Fact]
    public async Task Delete_SharedServer_DeletesOnlyWhatWasCreatedForTheTenant()
    {
        var own = await Guild.Create(Shared, New(GuildChannelKind.Text, "own", null));
        var others = await Guild.Create(Shared with { TenantId = "u" }, New(GuildChannelKind.Text, "others", null));
        var ownTurn = await TurnChannel("t");
        var turnOfOthers = await TurnChannel("u");
        foreach (var id in new[] { General, others.Id, turnOfOthers })
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(() => Guild.Delete(Shared, id))).Code);

        await Crash();
        await Guild.Delete(Shared, own.Id);
        await Guild.Delete(Shared, ownTurn);

        Assert.Equal(new HashSet<string> { General, others.Id, turnOfOthers }, Discord.Channels.Keys.ToHashSet());
    }

    [Fact]
    public async Task MayUse_OnlyTenantOfTheServer_MayUseAnyChannelButThoseOfTurns()
    {
        Discord.Channels["901"] = new DiscordChannelInfo("901", "thread", General, 11, null);
        Discord.Channels["902"] = new DiscordChannelInfo("902", "chats", null, 4, null);
        Discord.Channels["903"] = new DiscordChannelInfo("903", "voice", null, 2, null);
        var turn = await TurnChannel("t");

        string[] asked = [General, "901", "902", "903", turn, "42", "", "x"];
        var answers = await Task.WhenAll(asked.Select(id => Guild.MayUse(Alone, id)));

        Assert.Equal([true, true, false, false, false, false, false, false], answers);
    }

    [Fact]
    public async Task MayUse_SharedServer_MayUseWhatIsItsOwnOrItsBots()
    {
        var own = await Guild.Create(Shared, New(GuildChannelKind.Text, "own", null));
        var others = await Guild.Create(Shared with { TenantId = "u" }, New(GuildChannelKind.Text, "others", null));

        Assert.True(await Guild.MayUse(Shared, own.Id));
        Assert.False(await Guild.MayUse(Shared, others.Id));
        Assert.False(await Guild.MayUse(Shared, General));
        Assert.True(await Guild.MayUse(Shared with { Channels = [General] }, General));
        var thread = await Assert.ThrowsAsync<ClusterException>(() => Guild.Create(Shared, New(GuildChannelKind.Thread, "x", General, 60)));
        Assert.Equal((ErrorCode.InvalidRequest, "channelId"), (thread.Code, thread.Param));
    }

    [Fact]
    public async Task MayUse_UnknownIds_ListTheServerOnceInFiveSeconds()
    {
        for (var i = 1; i < 100; i++) Assert.False(await Guild.MayUse(Alone, $"{i}"));
        Assert.Equal(1, Discord.ListCount);

        Discord.Channels["901"] = new DiscordChannelInfo("901", "new", null, 0, null);
        Silo.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.True(await Guild.MayUse(Alone, "901"));
        Assert.Equal(2, Discord.ListCount);
    }

    [Fact]
    public async Task AnyCall_ListenerOfAnotherServer_IsRefused()
    {
        var other = Silo.Grains.GetGrain<IGuildChannelsGrain>(GrainKeys.GuildChannels("2"));

        Assert.Equal(ErrorCode.UpstreamUnavailable, (await Assert.ThrowsAsync<ClusterException>(() => other.MayUse(Alone, General))).Code);
        Assert.Equal(ErrorCode.UpstreamUnavailable, (await Assert.ThrowsAsync<ClusterException>(() => other.Delete(Alone, General))).Code);
        Assert.Equal(ErrorCode.UpstreamUnavailable, (await Assert.ThrowsAsync<ClusterException>(() => other.DeleteTurnChannels(Alone))).Code);
        Assert.Single(Discord.Channels);
    }

    [Fact]
    public async Task DeleteTurnChannels_LeavesWhatTheTenantCreatedItself()
    {
        var own = await Guild.Create(Alone, New(GuildChannelKind.Text, "own", null));
        await Janitor.Release(await TurnChannel("t"), null);

        Assert.Equal(1, await Guild.DeleteTurnChannels(Alone));

        await Silo.PassUntil(() => Discord.Channels.Count == 2);
        Assert.Equal(new HashSet<string> { General, own.Id }, Discord.Channels.Keys.ToHashSet());
    }

    private static NewGuildChannel New(GuildChannelKind kind, string name, string? parent, int? minutes = null) =>
        new(Guid.NewGuid().ToString("n"), kind, name, parent, minutes);

    private Task<string> TurnChannel(string tenant) => Janitor.Create(
        new DiscordChannelRequest($"turn of {tenant}", "chat", null, IsThread: false, TimeSpan.FromHours(1)) { TenantId = tenant });
}
