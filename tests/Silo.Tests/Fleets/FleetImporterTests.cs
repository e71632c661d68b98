using CozeCluster.Discord;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class FleetImporterTests
{
    private readonly RecordingCatalog _catalog = new();
    private readonly RecordingLogger<FleetImporter> _log = new(LogLevel.Warning);
    private readonly RecordingLogger<ListenerConnector> _startLog = new(LogLevel.Warning);

    [Fact]
    public async Task Import_UserAccounts_LogsAWarningEveryTime()
    {
        var file = SampleFleet.Read(SampleFleet.Discord).File!;

        await Importer().Import(file);
        await Importer().Import(file);

        Assert.Equal(2, file.Warnings.Count);
        Assert.Equal([.. file.Warnings, .. file.Warnings], _log.Lines);
    }

    [Fact]
    public async Task Import_NoWarnings_LogsNothing()
    {
        await Importer().Import(SampleFleet.Read(SampleFleet.Text).File! with { Warnings = [] });

        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task Import_ReturnsWhenThisProcessUsesTheFleet()
    {
        var view = new KnownFleet();

        await Importer(view).Import(SampleFleet.Read(SampleFleet.Text).File!);

        Assert.Equal(1, view.Version);
    }

    [Fact]
    public async Task Import_OldFileAtStart_WarnsOnceAndConnectsTheListenersInForce()
    {
        _catalog.IsSuperseded = true;
        var applied = FleetBuilder.Build(SampleFleet.Read(SampleFleet.Discord).File!, Seal()).Listeners[1];

        await Importer(new KnownFleet(applied)).Import(SampleFleet.Read(SampleFleet.Discord).File!, isStart: true);

        Assert.StartsWith("The fleet file of this node is old", Assert.Single(_log.Lines), StringComparison.Ordinal);
        while (_catalog.Listeners.Calls.Count < 2) await Task.Yield();
        Assert.Equal(["connect other-ear.1", "sweep other-ear"], _catalog.Listeners.Calls.Order());
    }

    [Fact]
    public async Task Start_Listener_ConnectsTheShardOfItsServerAndSweepsChannels()
    {
        var fleet = FleetBuilder.Build(SampleFleet.Read(SampleFleet.Discord).File!, Seal());

        foreach (var listener in fleet.Listeners) await Listeners().Connect(listener);
        await Listeners().Connect(fleet.Listeners[1] with { GuildId = $"{4ul << 22}" });

        Assert.Equal(
            ["connect ear.0", "sweep ear", "connect other-ear.1", "sweep other-ear", "connect other-ear.0", "sweep other-ear"],
            _catalog.Listeners.Calls);
    }

    [Fact]
    public async Task Start_ListenerThatFails_IsOnlyLogged()
    {
        var fleet = FleetBuilder.Build(SampleFleet.Read(SampleFleet.Discord).File!, Seal());
        _catalog.Listeners.Failing.Add("ear.0");

        await Listeners().Connect(fleet.Listeners[0]);

        Assert.Equal("The Discord listener ear was not started", Assert.Single(_startLog.Lines));
        Assert.Contains("sweep ear", _catalog.Listeners.Calls);
    }

    private static AesSecretSeal Seal() => new(new byte[AesSecretSeal.KeyBytes]);

    private ListenerConnector Listeners() => new(_catalog, _startLog);

    private FleetImporter Importer(IFleetView? view = null) => new(_catalog, view ?? new KnownFleet(), Seal(), Listeners(), _log);
}
