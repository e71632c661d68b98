using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Uses background work and timers. Records events in the probe as <c>{key} {event}</c>.</summary>
[Alias("test.working")]
public interface IWorkingGrain : IGrainWithStringKey
{
    /// <summary>Starts work that records <c>work</c>, waits for the gate and records <c>worked</c>, or <c>cancelled</c>.</summary>
    [AlwaysInterleave, Alias("Start")]
    Task Start(string gate);

    /// <summary>Starts work that waits for the gate when it is cancelled.</summary>
    [Alias("StartStubborn")]
    Task StartStubborn(string gate);

    [Alias("StartFailing")]
    Task StartFailing();

    /// <summary>Starts work that ends with a cancellation that is not the activation's own.</summary>
    [Alias("StartCancelledElsewhere")]
    Task StartCancelledElsewhere();

    /// <summary>Starts work that increments a counter and yields, <paramref name="times"/> times. Increments are lost if two threads run it at once.</summary>
    [Alias("StartCounting")]
    Task StartCounting(int times);

    [AlwaysInterleave, Alias("Count")]
    Task<int> Count(int times);

    [Idempotent, AlwaysInterleave, Alias("Activation")]
    Task<int> Activation();

    /// <summary>Records <c>held</c> and waits for the gate.</summary>
    [Alias("Hold")]
    Task Hold(string gate, CancellationToken cancellationToken = default);

    [Alias("DeactivateAndHold")]
    Task DeactivateAndHold(string gate);

    [Alias("Deactivate")]
    Task Deactivate();

    /// <summary>Starts a timer whose ticks record <c>tick</c>, wait for the gate if there is one, and record <c>ticked</c>.</summary>
    [AlwaysInterleave, Alias("StartTimer")]
    Task StartTimer(TimeSpan due, TimeSpan period, string? gate = null);

    /// <summary>Starts a timer whose ticks record <c>tick</c> and throw.</summary>
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
        _activation = Record("activated");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Record("deactivating");
        await work.StopAsync();
        Record("deactivated");
    }

    public Task Start(string gate)
    {
        work.Run(async stop =>
        {
            Record("work");
            try
            {
                await probe.Pass(gate, stop);
                Record("worked");
            }
            catch (OperationCanceledException)
            {
                Record("cancelled");
                throw;
            }
        });
        return Task.CompletedTask;
    }

    public Task StartStubborn(string gate)
    {
        work.Run(async stop =>
        {
            Record("work");
            await Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => { }, TaskScheduler.Current);
            Record("cancelled");
            await probe.Pass(gate);
            Record(probe.Count(work.Key + " deactivated") == 0 ? "ended before the deactivation" : "ended after the deactivation");
        });
        return Task.CompletedTask;
    }

    public Task StartFailing()
    {
        work.Run(_ =>
        {
            Record("work");
            throw new InvalidOperationException("Work fails.");
        });
        return Task.CompletedTask;
    }

    public Task StartCancelledElsewhere()
    {
        work.Run(_ =>
        {
            Record("work");
            throw new OperationCanceledException("Cancelled elsewhere.");
        });
        return Task.CompletedTask;
    }

    public Task StartCounting(int times)
    {
        work.Run(async _ =>
        {
            await Count(times);
            Record("counted");
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
        Record("held");
        return probe.Pass(gate, cancellationToken);
    }

    public Task DeactivateAndHold(string gate)
    {
        work.Deactivate("Requested by the test.");
        return Hold(gate);
    }

    public Task Deactivate()
    {
        work.Deactivate("Requested by the test.");
        return Task.CompletedTask;
    }

    public Task StartTimer(TimeSpan due, TimeSpan period, string? gate = null)
    {
        _timer = this.StartTimer(due, period, async _ =>
        {
            Record("tick");
            if (gate is not null) await probe.Pass(gate);
            Record("ticked");
        });
        return Task.CompletedTask;
    }

    public Task StartFailingTimer(TimeSpan due, TimeSpan period)
    {
        _timer = this.StartTimer(due, period, _ =>
        {
            Record("tick");
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

    private int Record(string what) => probe.Record($"{work.Key} {what}");
}
