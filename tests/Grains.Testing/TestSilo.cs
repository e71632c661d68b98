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
/// A silo with all grains, SQLite storage in its own directory, and a clock that the test moves. Timers, reminders and grains use that clock; Orleans' internal
/// work uses the system clock. Disposing stops the silo and deletes the directory.
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

    /// <summary>The clock of the silo, unless the test passed another one.</summary>
    public ManualTime Time { get; } = new();

    /// <summary>The directory of the silo's data.</summary>
    public string Directory { get; }

    public IServiceProvider Services => _host?.Services ?? throw new InvalidOperationException("The silo is stopped.");

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    /// <summary>The silo's view of the fleet.</summary>
    public IFleetView Fleet => Services.GetRequiredService<IFleetView>();

    public IReplyFeeds Feeds => Services.GetRequiredService<IReplyFeeds>();

    private TimeProvider Clock { get; }

    private IManagementGrain Management => Grains.GetGrain<IManagementGrain>(0);

    /// <summary>Starts a silo.</summary>
    /// <param name="configure">Adds or replaces services.</param>
    /// <param name="options">The limits of conversations.</param>
    /// <param name="time">A clock instead of <see cref="Time"/>, such as <see cref="TimeProvider.System"/>.</param>
    /// <param name="directory">The directory for the data, which is not deleted at the end; null: a temporary one.</param>
    /// <param name="copyOf">A silo whose current files are copied, as if it had crashed; null: no data.</param>
    public static async Task<TestSilo> StartAsync(
        Action<ISiloBuilder>? configure = null,
        ConversationOptions? options = null,
        TimeProvider? time = null,
        string? directory = null,
        TestSilo? copyOf = null)
    {
        var silo = new TestSilo(configure, options ?? new ConversationOptions(), time, directory, copyOf);
        await silo.StartAsync();
        return silo;
    }

    /// <summary>Starts the silo again after <see cref="StopAsync"/>, with the same data.</summary>
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
            silo.Services.AddSingleton<IFleetDocuments, NoDocuments>();
            silo.Services.AddSingleton<PlainCredentials>().AddSingleton<IRequestCredentials>(services => services.GetRequiredService<PlainCredentials>());
            silo.Services.AddSingleton<ISecretFilter, PlainSecrets>();
            // Orleans has timers only for reminders within this window. A clock that jumps could pass reminders outside of it.
            silo.Configure<ReminderOptions>(reminders => reminders.ReminderLoadingWindow = TimeSpan.FromDays(30));
            // These tests do not cover a crash of the machine.
            silo.AddSqliteStorage(storage => (storage.DataDirectory, storage.Durability) = (Directory, Durability.Process));
            _configure?.Invoke(silo);
        });
        _host = builder.Build();
        await _host.StartAsync();
    }

    /// <summary>Stops the silo gracefully.</summary>
    public async Task StopAsync()
    {
        if (_host is not { } host) return;
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        _host = null;
    }

    /// <summary>Stops the silo gracefully and starts it again.</summary>
    public async Task RestartAsync()
    {
        await StopInTimeAsync(TimeSpan.FromSeconds(1));
        await StartAsync();
    }

    /// <summary>The number of active grains.</summary>
    public int ActivationCount => Management.GetTotalActivationCount().GetAwaiter().GetResult();

    /// <summary>Deactivates all grains without running calls or background work, regardless of their idle time.</summary>
    public Task CollectIdleAsync() => Management.ForceActivationCollection(TimeSpan.Zero);

    /// <summary>Waits until Orleans' reminder service has set the timers of registered reminders, which it does after their registration.</summary>
    public Task SettleRemindersAsync() => Grains.GetGrain<IReminderProbe>("probe").WaitForQueuedWork();

    /// <summary>Deactivates a grain as soon as its calls have ended, as when its silo stops.</summary>
    public static async Task DeactivateAsync(IAddressable grain) => await grain.Cast<IGrainManagementExtension>().DeactivateOnIdle();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopInTimeAsync(TimeSpan.Zero);
        if (_ownsDirectory) System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>Stops the silo. If this takes longer than <paramref name="gracePeriod"/>, moves the clock, because something may wait for it.</summary>
    private async Task StopInTimeAsync(TimeSpan gracePeriod)
    {
        var stopped = StopAsync();
        await Task.WhenAny(stopped, Task.Delay(gracePeriod));
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
