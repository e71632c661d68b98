using CozeCluster.Discord;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Secrets;
using CozeCluster.Silo.Tests.Hosting;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class FleetWatcherTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fleet-");
    private readonly RecordingCatalog _catalog = new();
    private readonly RecordingLogger<FleetWatcher> _log = new();
    private readonly ManualTime _time = new();
    private bool _readingFails;

    private string FleetPath => Path.Combine(_folder.FullName, "fleet.yaml");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Start_ValidFile_IsImportedFirst()
    {
        await using var _ = await StartWatcher(SampleFleet.Text);

        Assert.Equal("helper", Assert.Single(_catalog.Last!.Bots).Id);
    }

    [Fact]
    public async Task Start_InvalidFile_ReportsEveryProblemWithFileAndLine()
    {
        var text = SampleFleet.With("id: helper", "id: HELPER").Replace("admin: true", "admin: yes", StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<StartException>(() => StartWatcher(text));

        Assert.Equal(3, error.Lines.Count);
        Assert.StartsWith($"{FleetPath}:9:16: tenants[0].keys[1].admin: ", error.Lines[0], StringComparison.Ordinal);
        Assert.Null(_catalog.Last);
    }

    [Fact]
    public async Task Start_NoFile_IsReported()
    {
        var error = await Assert.ThrowsAsync<StartException>(() => StartWatcher(null));

        Assert.Equal($"{FleetPath}:1:1: The file does not exist or cannot be read.", error.Message);
    }

    [Fact]
    public async Task Start_LowerVersion_IsReported()
    {
        _catalog.Refusal = "The fleet has version 3, but version 5 is in force.";

        var error = await Assert.ThrowsAsync<StartException>(() => StartWatcher(SampleFleet.Text));

        Assert.Equal($"{FleetPath}: The fleet has version 3, but version 5 is in force.", error.Message);
    }

    [Fact]
    public async Task Refresh_LowerVersion_IsLoggedOnce()
    {
        await using var running = await StartWatcher(SampleFleet.Text);
        File.WriteAllText(FleetPath, SampleFleet.With("id: coze-helper", "id: coze-other"));
        _catalog.Refusal = "The fleet has version 3, but version 5 is in force.";

        await running.Watcher.Refresh(forced: false);
        await running.Watcher.Refresh(forced: false);

        Assert.EndsWith(_catalog.Refusal, Assert.Single(_log.Lines), StringComparison.Ordinal);
        Assert.Equal("coze-helper", _catalog.Last!.Models[0].Id);
    }

    [Fact]
    public async Task Refresh_FileThatWasOldAtStart_IsAppliedWhenItIsEdited()
    {
        _catalog.IsSuperseded = true;
        await using var running = await StartWatcher(SampleFleet.Text);
        await running.Watcher.Refresh(forced: false);
        Assert.Equal(0, _catalog.Imports);

        File.WriteAllText(FleetPath, SampleFleet.With("id: coze-helper", "id: coze-other"));
        await running.Watcher.Refresh(forced: false);

        Assert.Equal("coze-other", _catalog.Last!.Models[0].Id);
    }

    [Fact]
    public async Task Refresh_InvalidFile_KeepsTheLastValidFleet()
    {
        await using var running = await StartWatcher(SampleFleet.Text);
        var first = _catalog.Last!.Version;

        File.WriteAllText(FleetPath, SampleFleet.With("id: coze-helper", "id: coze-other"));
        await running.Watcher.Refresh(forced: false);
        Assert.Equal("coze-other", _catalog.Last!.Models[0].Id);

        File.WriteAllText(FleetPath, SampleFleet.With("bots: [helper]", "bots: [nobody]"));
        await running.Watcher.Refresh(forced: false);
        Assert.Equal("coze-other", _catalog.Last!.Models[0].Id);
        Assert.Contains("30:12: models[0].bots[0]: There is no bot 'nobody'.", Assert.Single(_log.Lines), StringComparison.Ordinal);

        File.Delete(FleetPath);
        await running.Watcher.Refresh(forced: false);
        Assert.Equal(2, _log.Lines.Count);

        File.WriteAllText(FleetPath, SampleFleet.Text);
        await running.Watcher.Refresh(forced: false);
        Assert.Equal(first, _catalog.Last!.Version);
    }

    [Fact]
    public async Task Refresh_NothingChanged_ImportsAndLogsNothing()
    {
        await using var running = await StartWatcher(SampleFleet.Text);
        await running.Watcher.Refresh(forced: false);
        Assert.Equal(1, _catalog.Imports);

        File.WriteAllText(FleetPath, "wrong");
        await running.Watcher.Refresh(forced: false);
        await running.Watcher.Refresh(forced: false);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public async Task Refresh_Forced_ReadsAnUnchangedFileAgain()
    {
        await using var running = await StartWatcher(SampleFleet.Text);

        await running.Watcher.Refresh(forced: true);

        Assert.Equal(2, _catalog.Imports);
    }

    [Fact]
    public async Task Refresh_SecretFileChanged_IsAChange()
    {
        var token = Path.Combine(_folder.FullName, "token");
        File.WriteAllText(token, "pat_one");
        await using var running = await StartWatcher(SampleFleet.With("token: pat_secret_1", "token_file: token"));
        var first = _catalog.Last!.Version;

        File.WriteAllText(token, "pat_two");
        await running.Watcher.Refresh(forced: false);

        Assert.NotEqual(first, _catalog.Last!.Version);
    }

    [Fact]
    public async Task Refresh_ImportFails_Retries()
    {
        await using var running = await StartWatcher(SampleFleet.Text);
        File.WriteAllText(FleetPath, SampleFleet.With("id: coze-helper", "id: coze-other"));

        _catalog.Fails = true;
        await running.Watcher.Refresh(forced: false);
        Assert.Equal("coze-helper", _catalog.Last!.Models[0].Id);
        _catalog.Fails = false;
        await running.Watcher.Refresh(forced: false);

        Assert.Equal("coze-other", _catalog.Last!.Models[0].Id);
    }

    [Fact]
    public async Task Refresh_UnexpectedExceptionWhileReading_KeepsTheFleetAndRetries()
    {
        await using var running = await StartWatcher(SampleFleet.Text);
        File.WriteAllText(FleetPath, SampleFleet.With("id: coze-helper", "id: coze-other"));

        _readingFails = true;
        await running.Watcher.Refresh(forced: false);
        Assert.Equal("coze-helper", _catalog.Last!.Models[0].Id);
        _readingFails = false;
        await running.Watcher.Refresh(forced: false);

        Assert.Equal("coze-other", _catalog.Last!.Models[0].Id);
    }

    [Fact]
    public async Task Execute_IntervalPasses_ReadsTheFile()
    {
        await using var running = await StartWatcher(SampleFleet.Text);
        File.WriteAllText(FleetPath, SampleFleet.With("id: coze-helper", "id: coze-other"));

        // The watcher of the folder waits on this clock too, so nothing happens before it moves.
        while (_time.ArmedTimers == 0) await Task.Yield();
        _time.Advance(TimeSpan.FromSeconds(5));

        await _catalog.ImportOf(fleet => fleet.Models[0].Id == "coze-other").WaitAsync(Timeout);
    }

    [Fact]
    public async Task Execute_FileIsReplaced_ReadsItBeforeTheInterval()
    {
        await using var running = await StartWatcher(SampleFleet.Text, TimeProvider.System, TimeSpan.FromHours(1));
        var found = _catalog.ImportOf(fleet => fleet.Models[0].Id == "coze-other");

        // The watcher may miss a change while it starts, so the change is repeated until it is found.
        while (await Task.WhenAny(found, Task.Delay(TimeSpan.FromMilliseconds(500))) != found)
        {
            var temporary = FleetPath + ".new";
            File.WriteAllText(temporary, SampleFleet.With("id: coze-helper", "id: coze-other"));
            File.Move(temporary, FleetPath, overwrite: true);
        }
        await found.WaitAsync(Timeout);
    }

    private async Task<RunningWatcher> StartWatcher(string? text, TimeProvider? time = null, TimeSpan? poll = null)
    {
        if (text is not null) File.WriteAllText(FleetPath, text);
        var seal = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]);
        var watcher = new FleetWatcher(
            new FleetFileSource(FleetPath, new EnvironmentValues(LookUp)),
            new FleetImporter(_catalog, new KnownFleet(), seal, new ListenerConnector(_catalog, NullLogger<ListenerConnector>.Instance), NullLogger<FleetImporter>.Instance),
            TestSettings.Default with { FleetPoll = poll ?? TimeSpan.FromSeconds(5) },
            time ?? _time,
            _log);
        await watcher.StartAsync(CancellationToken.None);
        return new RunningWatcher(watcher);
    }

    private string? LookUp(string variable) => _readingFails ? throw new InvalidOperationException() : SampleFleet.Environment.GetValueOrDefault(variable);

    private sealed record RunningWatcher(FleetWatcher Watcher) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Watcher.StopAsync(CancellationToken.None);
            Watcher.Dispose();
        }
    }
}
