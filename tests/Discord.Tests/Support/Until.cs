using System.Diagnostics;
using CozeCluster.TestKit;

namespace CozeCluster.Discord.Tests;

/// <summary>Waits for what other threads do.</summary>
internal static class Until
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    public static async Task True(Func<bool> condition, string? what = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Guard) Assert.Fail($"In vain: {what ?? "a condition"}");
            await Task.Delay(1);
        }
    }

    /// <summary>Waits until the code under test waits for <paramref name="wait"/>, give or take a tenth of a second, and lets that pass.</summary>
    public static async Task Waits(ManualTime time, TimeSpan wait)
    {
        var start = time.GetUtcNow();
        await True(() => time.NextDue is { } due && (due - start - wait).Duration() <= TimeSpan.FromSeconds(0.1), $"a wait of {wait}, there is one of {time.NextDue - start}");
        time.Advance(time.NextDue!.Value - start);
    }

    /// <summary>Waits, and lets the waits under way pass whatever they are, until the task is done.</summary>
    public static async Task<T> Done<T>(Task<T> task, ManualTime time, TimeSpan longest)
    {
        while (!task.IsCompleted)
        {
            await True(() => task.IsCompleted || time.NextDue - time.GetUtcNow() <= longest, "a wait or the end");
            if (!task.IsCompleted && time.NextDue is { } due) time.Advance(due - time.GetUtcNow());
        }
        return await task;
    }
}
