using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class StopGuardTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly StopGuard _guard;
    private int _exits;

    public StopGuardTests()
    {
        _guard = new StopGuard(Patience, _time, () => _exits++);
        _guard.Watch(_stopping.Token);
    }

    public void Dispose()
    {
        _guard.Dispose();
        _stopping.Dispose();
    }

    [Fact]
    public void Running_IsLeftAlone()
    {
        _time.Advance(Patience * 2);

        Assert.Equal(0, _exits);
    }

    [Fact]
    public void Stopping_TakesTooLong_IsEndedOnce()
    {
        _stopping.Cancel();
        _time.Advance(Patience - TimeSpan.FromSeconds(1));
        Assert.Equal(0, _exits);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _exits);

        _time.Advance(Patience * 2);
        Assert.Equal(1, _exits);
    }

    [Fact]
    public void Stopping_EndsInTime_IsLeftAlone()
    {
        _stopping.Cancel();
        _guard.Dispose();
        _time.Advance(Patience * 2);

        Assert.Equal(0, _exits);
    }
}
