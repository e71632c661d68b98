using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Works in the background and by timers. What it notes in the probe begins with its key.</summary>
[Alias("test.working")]
public interface IWorkingGrain : IGrainWithStringKey
{
    /// <summary>Starts work: notes <c>work</c>, awaits the gate, notes <c>worked</c>; or notes <c>cancelled</c>.</summary>
    [AlwaysInterleave, Alias("Start")]
    Task Start(string gate);

    /// <summary>Starts work that awaits the gate once it is cancelled.</summary>
    [Alias("StartStubborn")]
    Task StartStubborn(string gate);

    [Alias("StartFailing")]
    Task StartFailing();

    /// <summary>Starts work that counts up so often and yields each time, in a way that loses counts if two threads run it.</summary>
    [Alias("StartCounting")]
    Task StartCounting(int times);

    [AlwaysInterleave, Alias("Count")]
    Task<int> Count(int times);

    [AlwaysInterleave, Alias("Activation")]
    Task<int> Activation();

    /// <summary>Notes <c>held</c> and awaits the gate.</summary>
    [Alias("Hold")]
    Task Hold(string gate, CancellationToken cancellationToken = default);

    [Alias("DeactivateAndHold")]
    Task DeactivateAndHold(string gate);

    [Alias("Deactivate")]
    Task Deactivate();

    /// <summary>Starts a timer that notes <c>tick</c>, awaits the gate if there is one, and notes <c>ticked</c>.</summary>
    [AlwaysInterleave, Alias("StartTimer")]
    Task StartTimer(TimeSpan due, TimeSpan period, string? gate = null);

    /// <summary>Starts a timer whose ticks note <c>tick</c> and throw.</summary>
    [Alias("StartFailingTimer")]
    Task StartFailingTimer(TimeSpan due, TimeSpan period);

    [Alias("StopTimer")]
    Task StopTimer();

    [Alias("Remind")]
    Task Remind(string name);

    [Alias("ClearReminder")]
    Task ClearReminder(string name);

    [Alias("HasReminder")]
    Task<bool> HasReminder(string name);
}

[GrainType("test.working")]
public sealed class WorkingGrain(BackgroundWork work, Probe probe) : Grain, IWorkingGrain, IRemindable
{
    private int _activation;
    private int _counted;
    private IDisposable? _timer;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _activation = Note("activated");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Note("deactivating");
        await work.StopAsync();
        Note("deactivated");
    }

    public Task Start(string gate)
    {
        work.Run(async stop =>
        {
            Note("work");
            try
            {
                await probe.Pass(gate, stop);
                Note("worked");
            }
            catch (OperationCanceledException)
            {
                Note("cancelled");
                throw;
            }
        });
        return Task.CompletedTask;
    }

    public Task StartStubborn(string gate)
    {
        work.Run(async stop =>
        {
            Note("work");
            await Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => { }, TaskScheduler.Current);
            Note("cancelled");
            await probe.Pass(gate);
            Note(probe.Count(work.Key + " deactivated") == 0 ? "ended before the deactivation" : "ended after the deactivation");
        });
        return Task.CompletedTask;
    }

    public Task StartFailing()
    {
        work.Run(_ =>
        {
            Note("work");
            throw new InvalidOperationException("Work fails.");
        });
        return Task.CompletedTask;
    }

    public Task StartCounting(int times)
    {
        work.Run(async _ =>
        {
            await Count(times);
            Note("counted");
        });
        return Task.CompletedTask;
    }

    public async Task<int> Count(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var seen = _counted;
            Thread.SpinWait(20);
            _counted = seen + 1;
            await Task.Yield();
        }
        return _counted;
    }

    public Task<int> Activation() => Task.FromResult(_activation);

    public Task Hold(string gate, CancellationToken cancellationToken = default)
    {
        Note("held");
        return probe.Pass(gate, cancellationToken);
    }

    public Task DeactivateAndHold(string gate)
    {
        work.Deactivate("As the test wants.");
        return Hold(gate);
    }

    public Task Deactivate()
    {
        work.Deactivate("As the test wants.");
        return Task.CompletedTask;
    }

    public Task StartTimer(TimeSpan due, TimeSpan period, string? gate = null)
    {
        _timer = this.StartTimer(due, period, async _ =>
        {
            Note("tick");
            if (gate is not null) await probe.Pass(gate);
            Note("ticked");
        });
        return Task.CompletedTask;
    }

    public Task StartFailingTimer(TimeSpan due, TimeSpan period)
    {
        _timer = this.StartTimer(due, period, _ =>
        {
            Note("tick");
            throw new InvalidOperationException("A tick fails.");
        });
        return Task.CompletedTask;
    }

    public Task StopTimer()
    {
        _timer?.Dispose();
        return Task.CompletedTask;
    }

    public Task Remind(string name) => this.RegisterOrUpdateReminder(name, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));

    public Task ClearReminder(string name) => GrainTimers.ClearReminder(this, name);

    public async Task<bool> HasReminder(string name) => await this.GetReminder(name) is not null;

    public Task ReceiveReminder(string reminderName, TickStatus status) => Task.CompletedTask;

    private int Note(string what) => probe.Note($"{work.Key} {what}");
}
