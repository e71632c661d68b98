using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Grains.Tests.Runtime;
using CozeCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Grains.Tests;

/// <summary>Views of processes that are not that of the catalog: of another silo, and of a client.</summary>
public sealed class FleetViewTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private RuntimeCluster _cluster = null!;

    private IGrainFactory Client => _cluster.Client.GetRequiredService<IGrainFactory>();

    private ICatalogGrain Catalog => Client.GetGrain<ICatalogGrain>(GrainKeys.Catalog);

    public async ValueTask InitializeAsync() => _cluster = await RuntimeCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Revocation_TakesEffectWithinTwoSeconds(bool isClient)
    {
        await Catalog.Import(WithKeys("1", "kept", "revoked"));
        await using var process = await Process.Start(isClient ? Client : _cluster.Silo(1).GetRequiredService<IGrainFactory>(), _time);
        var changes = new List<FleetChange>();
        using var subscription = process.View.Subscribe(changes.Add);
        Assert.NotNull(process.View.FindKey("revoked"));

        var import = await Catalog.Import(WithKeys("2", "kept", "added"));
        for (var second = 0; second < 2 && process.View.Version < import.Version; second++) await process.PassSecond();

        Assert.Null(process.View.FindKey("revoked"));
        Assert.Equal(("t", "t"), (process.View.FindKey("kept")!.TenantId, process.View.FindKey("added")!.TenantId));
        Assert.Equal(["revoked"], Assert.Single(changes).RevokedKeys);
    }

    [Fact]
    public async Task KeyWithOtherRights_IsRevoked()
    {
        await Catalog.Import(WithKeys("1", "a", "b", "c", "d"));
        await using var process = await Process.Start(Client, _time);
        var revoked = new List<string>();
        using var subscription = process.View.Subscribe(change => revoked.AddRange(change.RevokedKeys));

        await Catalog.Import(Fleet.Empty with
        {
            Version = "2",
            Tenants =
            [
                new TenantDefinition
                {
                    Id = "t", Keys = [new("another name", "a", false), new("name", "b", true), new("name", "d", false) { Disabled = true }],
                },
                new TenantDefinition { Id = "other", Keys = [new("name", "c", false)] },
            ],
        });
        await process.PassSecond();

        Assert.Equal(["b", "c", "d"], revoked.Order());
    }

    [Fact]
    public async Task UnknownKey_MakesNoCall()
    {
        await Catalog.Import(WithKeys("1", "a"));
        await using var process = await Process.Start(Client, _time);
        var polls = process.Grains.Polls;

        for (var i = 0; i < 1_000; i++) Assert.Null(process.View.FindKey($"unknown {i}"));

        Assert.Equal(polls, process.Grains.Polls);
    }

    [Fact]
    public async Task OnePollASecond_TransfersNothingWhileNothingChanges()
    {
        await Catalog.Import(WithKeys("1", "a"));
        await using var process = await Process.Start(Client, _time);
        var polls = process.Grains.Polls;

        for (var i = 0; i < 5; i++) await process.PassSecond();

        Assert.Equal(polls + 5, process.Grains.Polls);
        Assert.Equal(1, process.Grains.Answers);
    }

    [Fact]
    public async Task CatalogIsCutOff_TheViewIsUsedUntilItIsTooOld_AndRecovers()
    {
        await Catalog.Import(WithKeys("1", "a"));
        await using var process = await Process.Start(Client, _time);
        process.Grains.IsCut = true;
        await process.PassSecond();
        Assert.Equal(FleetViewState.Current, process.View.Status.State);
        var confirmed = process.View.Status.ConfirmedAt;

        for (var second = 1; second < 299; second++) await process.PassSecond();
        Assert.Equal((FleetViewState.Degraded, confirmed), (process.View.Status.State, process.View.Status.ConfirmedAt));
        Assert.NotNull(process.View.FindKey("a"));

        for (var second = 299; second < 600; second++) await process.PassSecond();
        Assert.Equal(FleetViewState.Stale, process.View.Status.State);
        Assert.Equal(ErrorCode.CallRejected, Assert.Throws<ClusterException>(() => process.View.FindKey("a")).Code);
        Assert.Throws<ClusterException>(() => process.View.FindBot("b"));
        Assert.Throws<ClusterException>(() => process.View.Outline);

        process.Grains.IsCut = false;
        await process.PassSecond();
        Assert.Equal(FleetViewState.Current, process.View.Status.State);
        Assert.NotNull(process.View.FindKey("a"));
    }

    [Fact]
    public async Task CatalogIsCutOff_StaleMaxIsZero_RefusesAtOnce()
    {
        await Catalog.Import(WithKeys("1", "b"));
        await using var process = await Process.Start(Client, _time, new FleetViewOptions { StaleMax = TimeSpan.Zero });
        Assert.Null(process.View.FindKey("a"));

        process.Grains.IsCut = true;
        await process.PassSecond();

        Assert.Throws<ClusterException>(() => process.View.FindKey("a"));
    }

    [Fact]
    public async Task ClockThatJumps_IsNotAMissingConfirmation()
    {
        await Catalog.Import(WithKeys("1", "a"));
        await using var process = await Process.Start(Client, _time);

        _time.Advance(TimeSpan.FromDays(1));

        Assert.NotNull(process.View.FindKey("a"));
    }

    [Fact]
    public async Task BeforeTheFirstLoad_Refuses()
    {
        using var view = new FleetView(
            new CountedGrains(Client), new FleetViewOptions(), _time, new NetworkClock(TimeProvider.System), NullLogger<FleetView>.Instance);
        await Catalog.Import(WithKeys("1", "a"));

        Assert.Equal(ErrorCode.CallRejected, Assert.Throws<ClusterException>(() => view.FindKey("a")).Code);
        Assert.Equal((FleetViewState.Loading, 0), (view.Status.State, view.Version));

        await view.Refresh();
        Assert.NotNull(view.FindKey("a"));
    }

    [Fact]
    public async Task BeforeTheFirstFleet_NoKeyIsWrong()
    {
        await using var process = await Process.Start(Client, _time);
        Assert.Equal((FleetViewState.Current, 0), (process.View.Status.State, process.View.Version));

        Assert.Equal(ErrorCode.CallRejected, Assert.Throws<ClusterException>(() => process.View.FindKey("a")).Code);

        await Catalog.Import(WithKeys("1", "a"));
        await process.View.Refresh();
        Assert.NotNull(process.View.FindKey("a"));
        Assert.Null(process.View.FindKey("b"));
    }

    private static Fleet WithKeys(string version, params string[] hashes) => Fleet.Empty with
    {
        Version = version,
        Tenants = [new TenantDefinition { Id = "t", Keys = [.. hashes.Select(hash => new ApiKeyDefinition("name", hash, false))] }],
    };

    /// <summary>A view with its polling, as each process has one, on a clock that the test moves.</summary>
    private sealed class Process : IAsyncDisposable
    {
        private readonly ManualTime _time;
        private readonly FleetViewPolling _polling;

        private Process(CountedGrains grains, ManualTime time, FleetViewOptions options)
        {
            var network = new NetworkClock(TimeProvider.System);
            (Grains, _time) = (grains, time);
            View = new FleetView(grains, options, time, network, NullLogger<FleetView>.Instance);
            _polling = new FleetViewPolling(View, time, network);
        }

        public FleetView View { get; }

        public CountedGrains Grains { get; }

        public static async Task<Process> Start(IGrainFactory grains, ManualTime time, FleetViewOptions? options = null)
        {
            var process = new Process(new CountedGrains(grains), time, options ?? new FleetViewOptions());
            await process._polling.StartAsync(CancellationToken.None);
            await process.WaitsForNextPoll();
            return process;
        }

        public async Task PassSecond()
        {
            var polls = Grains.Polls;
            _time.Advance(TimeSpan.FromSeconds(1));
            while (Grains.Polls == polls) await Task.Yield();
            await WaitsForNextPoll();
        }

        public async ValueTask DisposeAsync()
        {
            await _polling.StopAsync(CancellationToken.None);
            _polling.Dispose();
            View.Dispose();
        }

        // The polling waits again when a poll is over.
        private async Task WaitsForNextPoll()
        {
            while (!_time.IsArmed(View.Version == 0 ? FleetViewPolling.LoadRetryDelay : FleetView.PollInterval)) await Task.Yield();
        }
    }
}
