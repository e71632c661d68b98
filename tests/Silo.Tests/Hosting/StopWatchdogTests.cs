using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class StopWatchdogTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly StopWatchdog _watchdog;
    private int _exits;

    public StopWatchdogTests()
    {
        _watchdog = new StopWatchdog(Timeout, _time, () => _exits++);
        _watchdog.Watch(_stopping.Token);
    }

    public void Dispose()
    {
        _watchdog.Dispose();
        _stopping.Dispose();
    }

    [Fact]
    public void Running_DoesNothing()
    {
        _time.Advance(Timeout * 2);

        Assert.Equal(0, _exits);
    }

    [Fact]
    public void Stopping_TakesTooLong_ExitsOnce()
    {
        _stopping.Cancel();
        _time.Advance(Timeout - TimeSpan.FromSeconds(1));
        Assert.Equal(0, _exits);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _exits);

        _time.Advance(Timeout * 2);
        Assert.Equal(1, _exits);
    }

    [Fact]
    public void Stopping_EndsInTime_DoesNothing()
    {
        _stopping.Cancel();
        _watchdog.Dispose();
        _time.Advance(Timeout * 2);

        Assert.Equal(0, _exits);
    }
}
