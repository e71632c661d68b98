using CozeCluster.Storage;
using CozeCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Core.Internal;
using Orleans.Reminders;
using Orleans.TestingHost;

namespace CozeCluster.Grains.Testing;

/// <summary>
/// A silo with all grains, SQLite storage in a directory of its own, and a clock that the test moves. Timers, reminders and grains use that clock; Orleans' own work uses the
/// machine's. Disposing stops it and deletes the directory.
/// </summary>
public sealed class TestSilo : IAsyncDisposable
{
    private readonly Action<ISiloBuilder>? _configure;
    private readonly ConversationOptions _options;
    private readonly bool _ownsDirectory;
    private IHost? _host;

    private TestSilo(Action<ISiloBuilder>? configure, ConversationOptions options, TimeProvider? time, string? directory, TestSilo? copyOf)
    {
        _configure = configure;
        _options = options;
        _ownsDirectory = directory is null;
        Clock = time ?? Time;
        Directory = directory ?? System.IO.Directory.CreateTempSubdirectory("silo-").FullName;
        if (copyOf is null) return;
        foreach (var file in System.IO.Directory.GetFiles(copyOf.Directory, "*.db*")) File.Copy(file, Path.Combine(Directory, Path.GetFileName(file)));
    }

    /// <summary>The clock, unless another was given.</summary>
    public ManualTime Time { get; } = new();

    /// <summary>Where the silo keeps its data.</summary>
    public string Directory { get; }

    public IServiceProvider Services => _host?.Services ?? throw new InvalidOperationException("The silo is stopped.");

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    public IReplyFeeds Feeds => Services.GetRequiredService<IReplyFeeds>();

    private TimeProvider Clock { get; }

    private IManagementGrain Management => Grains.GetGrain<IManagementGrain>(0);

    /// <summary>Starts a silo.</summary>
    /// <param name="configure">Adds what the grains need besides, or replaces services.</param>
    /// <param name="options">Limits of conversations.</param>
    /// <param name="time">Another clock than <see cref="Time"/>, such as <see cref="TimeProvider.System"/>.</param>
    /// <param name="directory">Keeps data here, and leaves it there at the end.</param>
    /// <param name="copyOf">Begins with what this one has on disk now, as after a crash of it.</param>
    public static async Task<TestSilo> StartAsync(
        Action<ISiloBuilder>? configure = null, ConversationOptions? options = null, TimeProvider? time = null, string? directory = null, TestSilo? copyOf = null)
    {
        var silo = new TestSilo(configure, options ?? new ConversationOptions(), time, directory, copyOf);
        await silo.StartAsync();
        return silo;
    }

    /// <summary>Starts again after <see cref="StopAsync"/>, on the same data.</summary>
    public async Task StartAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddFilter(level => level >= LogLevel.Warning);
        builder.Services.AddSingleton(Clock);
        builder.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
        builder.Services.AddKeyedSingleton<TimeProvider>(ReminderTimeProviderNames.Reminders, Clock is ManualTime manual ? new DriftingTime(manual) : Clock);
        builder.UseOrleans(silo =>
        {
            NoNetwork.Use(silo);
            silo.AddGrains(_options);
            // Orleans drops the timers of reminders that are far off and sets them when it reads the table again; a clock that jumps would be faster.
            silo.Configure<ReminderOptions>(reminders => reminders.ReminderLoadingWindow = TimeSpan.FromDays(30));
            // A crash of the machine is not what these tests are about.
            silo.AddSqliteStorage(storage => (storage.DataDirectory, storage.Durability) = (Directory, Durability.Process));
            _configure?.Invoke(silo);
        });
        _host = builder.Build();
        await _host.StartAsync();
    }

    /// <summary>Shuts down gracefully.</summary>
    public async Task StopAsync()
    {
        if (_host is not { } host) return;
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        _host = null;
    }

    /// <summary>Shuts down gracefully and starts again.</summary>
    public async Task RestartAsync()
    {
        await StopInTimeAsync(TimeSpan.FromSeconds(1));
        await StartAsync();
    }

    /// <summary>How many grains are active.</summary>
    public int ActivationCount => Management.GetTotalActivationCount().GetAwaiter().GetResult();

    /// <summary>Deactivates every grain that neither runs a call nor background work, however short it has been idle.</summary>
    public Task CollectIdleAsync() => Management.ForceActivationCollection(TimeSpan.Zero);

    /// <summary>Lets Orleans' reminder service set the timers of reminders that were registered: it does so behind their registration, and these calls wait their turn there.</summary>
    public Task SettleRemindersAsync() => Grains.GetGrain<IReminderProbe>("probe").Settle();

    /// <summary>Deactivates a grain once its calls have ended, as when its silo stops.</summary>
    public static async Task DeactivateAsync(IAddressable grain) => await grain.Cast<IGrainManagementExtension>().DeactivateOnIdle();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopInTimeAsync(TimeSpan.Zero);
        if (_ownsDirectory) System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>Stops; what waits by the test's clock has to come to its end too, if it does not within <paramref name="first"/>.</summary>
    private async Task StopInTimeAsync(TimeSpan first)
    {
        var stopped = StopAsync();
        await Task.WhenAny(stopped, Task.Delay(first));
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!stopped.IsCompleted)
        {
            timeout.Token.ThrowIfCancellationRequested();
            (Clock as ManualTime)?.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(stopped, Task.Delay(5));
        }
        await stopped;
    }
}
