using CozeCluster.TestKit;

namespace CozeCluster.Upstreams.Tests;

internal static class Times
{
    /// <summary>Moves the clock whenever somebody waits for it, until a task is done.</summary>
    public static async Task AdvanceUntil(this ManualTime time, Task done)
    {
        while (!done.IsCompleted)
        {
            if (time.ArmedTimers > 0) time.Advance(TimeSpan.FromMilliseconds(125));
            else await Task.Yield();
        }
    }
}
