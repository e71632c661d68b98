using System.Diagnostics;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>Waits for the work of other threads.</summary>
internal static class Until
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    public static async Task True(Func<bool> condition, string? what = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Timeout) Assert.Fail($"Timed out waiting for {what ?? "a condition"}.");
            await Task.Delay(1);
        }
    }

    /// <summary>Waits until the code under test waits for <paramref name="wait"/>, within a tenth of a second, and moves the clock by it.</summary>
    public static async Task WaitPassed(ManualTime time, TimeSpan wait)
    {
        var start = time.GetUtcNow();
        await True(
            () => time.NextDue is { } due && (due - start - wait).Duration() <= TimeSpan.FromSeconds(0.1),
            $"a wait of {wait}; the current one is {time.NextDue - start}");
        time.Advance(time.NextDue!.Value - start);
    }

    /// <summary>Moves the clock over every wait of the code under test, up to <paramref name="longest"/>, until the task completes.</summary>
    public static async Task<T> Completed<T>(Task<T> task, ManualTime time, TimeSpan longest)
    {
        while (!task.IsCompleted)
        {
            await True(() => task.IsCompleted || time.NextDue - time.GetUtcNow() <= longest, "a wait or the end of the task");
            if (!task.IsCompleted && time.NextDue is { } due) time.Advance(due - time.GetUtcNow());
        }
        return await task;
    }
}
