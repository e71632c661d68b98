using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains;

/// <summary>Timers and reminders as this project uses them.</summary>
internal static class GrainTimers
{
    /// <summary>
    /// Starts a timer that lives while the grain is active and does not keep it active. Ticks interleave with calls and never overlap. A timer for a single tick disposes itself.
    /// </summary>
    /// <param name="grain">The grain.</param>
    /// <param name="due">Time to the first tick.</param>
    /// <param name="period">Time from the end of a tick to the next; <see cref="Timeout.InfiniteTimeSpan"/> for a single tick.</param>
    /// <param name="tick">What to do. An exception is logged.</param>
    public static IDisposable StartTimer(this IGrainBase grain, TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick) =>
        grain.GrainContext.ActivationServices.GetRequiredService<BackgroundWork>().StartTimer(due, period, tick);

    /// <summary>Removes a reminder if there is one.</summary>
    public static async Task ClearReminder(this IGrainBase grain, string name)
    {
        if (await grain.GetReminder(name) is { } reminder) await grain.UnregisterReminder(reminder);
    }
}
