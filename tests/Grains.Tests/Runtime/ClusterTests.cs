using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Tests call filters, first calls and reply feeds between processes, with two silos and a client.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private const int Hang = 120_000;
    private readonly string _key = $"k-{Guid.NewGuid():n}";
    private RuntimeCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await RuntimeCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_idempotent_call_is_retried_when_its_silo_was_killed(bool fromClient)
    {
        var grain = await _cluster.CountingGrainOn(1, fromClient ? _cluster.Client.GetRequiredService<IGrainFactory>() : Factory(0));
        var survivor = _cluster.Cluster.Silos[0].SiloAddress.ToString();
        var call = grain.WaitIdempotent("gate");
        await _cluster.Probe.Happened($"{grain.GetPrimaryKeyString()} {nameof(ICountingGrain.WaitIdempotent)}", 2);

        await _cluster.Cluster.KillSiloAsync(_cluster.Cluster.Silos[1]);
        _cluster.Probe.Open("gate");

        Assert.Equal(survivor, await call);
    }

    [Fact(Timeout = Hang)]
    public async Task Another_call_fails_when_its_silo_was_killed()
    {
        var grain = await _cluster.CountingGrainOn(1, Factory(0));
        var call = grain.Wait("never");
        await _cluster.Probe.Happened($"{grain.GetPrimaryKeyString()} {nameof(ICountingGrain.Wait)}");

        await _cluster.Cluster.KillSiloAsync(_cluster.Cluster.Silos[1]);

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => call)).Code);
        Assert.Equal(1, _cluster.Probe.Count($"{grain.GetPrimaryKeyString()} {nameof(ICountingGrain.Wait)}"));
    }

    /// <summary>The activation does not migrate: it would lose its background work. See <see cref="ImmovableGrains"/>.</summary>
    [Fact(Timeout = Hang)]
    public async Task A_waiting_call_is_answered_by_a_new_activation_when_its_silo_stops()
    {
        var grain = await _cluster.WorkingGrainOn(1, Factory(0));
        var key = grain.GetPrimaryKeyString();
        await grain.StartStubborn("gate");
        await _cluster.Probe.Happened($"{key} work");

        var stopping = _cluster.Cluster.StopSiloAsync(_cluster.Cluster.Silos[1]);
        await _cluster.Probe.Happened($"{key} cancelled");
        var waiting = grain.Activation();
        _cluster.Probe.Open("gate");

        Assert.Equal(2, await waiting);
        await stopping;
    }

    [Fact(Timeout = Hang)]
    public async Task A_cluster_exception_reaches_the_caller_unchanged()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(
            () => Get<IFailingGrain>().Throw(nameof(ErrorCode.RateLimited), "Slow down, 慢.", "messages[0].content", 1_800_000_000));

        Assert.Equal(
            (ErrorCode.RateLimited, "Slow down, 慢.", "messages[0].content", DateTimeOffset.FromUnixTimeSeconds(1_800_000_000)),
            (error.Code, error.Message, error.Param, error.Until!.Value));
    }

    [Fact(Timeout = Hang)]
    public async Task The_text_of_another_exception_does_not_leave_its_silo()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(async () => await Get<IFailingGrain>().ThrowSecret(afterAwait: true));

        Assert.Equal(ErrorCode.Internal, error.Code);
        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
    }

    [Theory(Timeout = Hang)]
    [InlineData("broken-")]
    [InlineData("wrapped-")]
    public async Task A_failed_activation_fails_its_call_and_the_next_call_activates_the_grain(string prefix)
    {
        var grain = Get<IFailingGrain>(prefix + _key);

        var error = await Assert.ThrowsAsync<ClusterException>(grain.IsOkIdempotent);

        Assert.Equal((ErrorCode.QuotaExceeded, "Not now."), (error.Code, error.Message));
        Assert.True(await grain.IsOkIdempotent());
        Assert.Equal(2, _cluster.Probe.Count($"{prefix}{_key} activating"));
    }

    [Fact(Timeout = Hang)]
    public async Task The_activation_sees_the_mark_of_a_first_call_and_calls_of_the_grain_do_not()
    {
        Task<FirstCallSeen> call;
        using (FirstCall.To(_key)) call = Get<IFirstCalledGrain>().Look();

        Assert.Equal(new FirstCallSeen(ByActivation: true, ByMethod: false, ByOther: false), await call);
    }

    [Theory(Timeout = Hang)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Batches_between_processes_arrive_in_order(bool toClient)
    {
        var feeds = (toClient ? _cluster.Client : _cluster.Silo(0)).GetRequiredService<IReplyFeeds>();
        var inboxes = Enumerable.Range(0, 20).Select(_ => new NumberInbox()).ToArray();
        var open = Array.ConvertAll(inboxes, feeds.Open);

        // The grains are on both silos.
        var answers = await Task.WhenAll(open.Select(feed => Get<IPostingGrain>(feed.Address.Number + _key).Post(feed.Address, 100)));

        Assert.All(answers, answer => Assert.Equal(ReplyAck.Taken, answer));
        Assert.All(inboxes, inbox => Assert.Equal(Enumerable.Range(0, 100), inbox.Numbers));
        Assert.NotEmpty(_cluster.Sent.Attempts(open[0].Address.Process, nameof(IReplyObserver.OnReplies)));
        Array.ForEach(open, feed => feed.Dispose());
        Assert.Equal(ReplyAck.Gone, await Get<IPostingGrain>().Post(open[0].Address, 1));
    }

    [Fact(Timeout = Hang)]
    public async Task A_client_can_stop_while_grains_post_to_its_feeds()
    {
        var inbox = new NumberInbox();
        var feed = _cluster.Client.GetRequiredService<IReplyFeeds>().Open(inbox);
        // As over the network: within a process, the address would contain the client's own reference, which does not work when the client has stopped.
        var address = _cluster.Silo(0).GetRequiredService<Serializer>().Deserialize<FeedAddress>(
            _cluster.Client.GetRequiredService<Serializer>().SerializeToArray(feed.Address))!;
        var posting = Factory(0).GetGrain<IPostingGrain>(_key).Post(address, int.MaxValue);
        await inbox.Until(10);

        await _cluster.Cluster.StopClusterClientAsync();

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => posting)).Code);
    }

    private IGrainFactory Factory(int silo) => _cluster.Silo(silo).GetRequiredService<IGrainFactory>();

    private T Get<T>(string? key = null) where T : IGrainWithStringKey => _cluster.Cluster.Client.GetGrain<T>(key ?? _key);
}
