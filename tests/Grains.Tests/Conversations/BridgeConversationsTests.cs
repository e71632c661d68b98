using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Conversations have a number and a name that changes, and a name elsewhere that does not.</summary>
public sealed class BridgeConversationsTests : GrainTest
{
    private IBridgeConversationsGrain Bridge => Silo.Grains.GetGrain<IBridgeConversationsGrain>(Tenant);

    [Fact]
    public async Task A_conversation_is_found_by_name_and_by_id()
    {
        var created = await Bridge.Create("1", "talk");

        Assert.Equal(new BridgeConversation("1", "talk", "talk"), created);
        Assert.Equal(created, await Bridge.Find("talk"));
        Assert.Equal(created, await Bridge.Find("1"));
        Assert.Null(await Bridge.Find("other"));
        Assert.Null(await Silo.Grains.GetGrain<IBridgeConversationsGrain>("t2").Find("talk"));
    }

    [Fact]
    public async Task A_repeated_call_has_no_further_effect()
    {
        await Bridge.Create("1", "talk");

        Assert.Equal("talk", (await Bridge.Create("1", "talk"))!.Name);
        Assert.Equal("story", (await Bridge.Rename("1", "story"))!.Name);
        Assert.Equal("story", (await Bridge.Rename("1", "story"))!.Name);
        await Bridge.Remove("1");
        await Bridge.Remove("1");

        Assert.Empty(await Bridge.List());
    }

    [Fact]
    public async Task A_renamed_conversation_keeps_its_name_elsewhere_and_its_old_name_is_free()
    {
        await Bridge.Create("1", "talk");
        var renamed = await Bridge.Rename("1", "story");
        var second = await Bridge.Create("2", "talk");

        Assert.Equal(new BridgeConversation("1", "story", "talk"), renamed);
        Assert.Equal(new BridgeConversation("2", "talk", "talk #2"), second);
        Assert.Equal(["story", "talk"], (await Bridge.List()).Select(conversation => conversation.Name));
    }

    [Fact]
    public async Task A_name_is_given_once()
    {
        await Bridge.Create("1", "talk");
        await Bridge.Create("2", "story");

        Assert.Null(await Bridge.Create("3", "talk"));
        Assert.Null(await Bridge.Rename("2", "talk"));
        Assert.Equal(["talk", "story"], (await Bridge.List()).Select(conversation => conversation.Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\nb")]
    [InlineData("a name that is longer than one hundred characters: 0123456789 0123456789 0123456789 0123456789 0123456789")]
    public async Task A_name_that_is_not_valid_is_refused(string name)
    {
        await Bridge.Create("1", "talk");

        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ClusterException>(() => Bridge.Create("2", name))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ClusterException>(() => Bridge.Rename("1", name))).Code);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<ClusterException>(() => Bridge.Rename("9", "other"))).Code);
    }

    [Fact]
    public async Task A_tenant_has_a_limited_number_of_conversations()
    {
        for (var i = 1; i <= IBridgeConversationsGrain.MaxConversations; i++) await Bridge.Create($"{i}", $"talk {i}");

        Assert.Equal(ErrorCode.RateLimited, (await Assert.ThrowsAsync<ClusterException>(() => Bridge.Create("x", "one more"))).Code);
        await Bridge.Remove("1");
        Assert.NotNull(await Bridge.Create("x", "one more"));
    }

    [Fact]
    public async Task Names_are_kept_over_restarts()
    {
        await Bridge.Create("1", "talk");
        await Bridge.Rename("1", "story");

        await Crash();

        Assert.Equal([new BridgeConversation("1", "story", "talk")], await Bridge.List());
    }

    [Fact]
    public async Task A_change_that_is_not_saved_is_undone()
    {
        await Bridge.Create("1", "talk");
        (Hooks.State, Hooks.BeforeSave) = ("bridge-conversations", () => throw new ClusterException(ErrorCode.Internal, "The disk is full."));

        await Assert.ThrowsAsync<ClusterException>(() => Bridge.Create("2", "story"));
        await Assert.ThrowsAsync<ClusterException>(() => Bridge.Remove("1"));
        Hooks.State = null;

        Assert.Equal(["talk"], (await Bridge.List()).Select(conversation => conversation.Name));
        Assert.NotNull(await Bridge.Create("3", "story"));
    }
}
