using System.Diagnostics;

namespace CozeCluster.Grains.Testing;

/// <summary>Moves the clock of a silo in steps, and gives its grains time to act on each step.</summary>
public static class TestSiloTime
{
    private static readonly TimeSpan DefaultStep = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>Moves the clock until the condition is true or the seconds have passed.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="seconds">The longest time, on the silo's clock.</param>
    /// <param name="until">The condition.</param>
    /// <param name="step">Default 250 ms.</param>
    public static async Task PassSeconds(this TestSilo silo, int seconds, Func<bool> until, TimeSpan? step = null)
    {
        var by = step ?? DefaultStep;
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(seconds) && !until(); passed += by) await silo.Pass(by);
    }

    /// <summary>Moves the clock until the condition is true, however many steps that takes.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="condition">The condition.</param>
    /// <param name="step">Default 250 ms.</param>
    /// <exception cref="TimeoutException">The condition is still false after 30 s of real time.</exception>
    public static async Task PassUntil(this TestSilo silo, Func<bool> condition, TimeSpan? step = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Timeout) throw new TimeoutException("The condition did not become true.");
            await silo.Pass(step ?? DefaultStep);
        }
    }

    /// <summary>Lets grains finish what they have begun: calls that pass through a grain's queue and the thread pool.</summary>
    public static async Task LetGrainsRun(this TestSilo silo)
    {
        for (var i = 0; i < 20; i++)
        {
            await silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).GetStatus();
            await Task.Yield();
        }
    }

    private static async Task Pass(this TestSilo silo, TimeSpan step)
    {
        silo.Time.Advance(step);
        await silo.LetGrainsRun();
        // A pool thread may hold back work for itself; it takes that work up when the test does not keep it busy.
        await Task.Delay(1);
    }
}
