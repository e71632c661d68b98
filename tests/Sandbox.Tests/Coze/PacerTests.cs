using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class PacerTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly ManualTime _time = new();

    [Fact]
    public async Task WaitAsync_WhenLate_CatchesUpWithTheSchedule()
    {
        using var pacer = new Pacer(_time);

        var first = pacer.WaitAsync(Second);
        Assert.False(first.IsCompleted);
        _time.Advance(3 * Second);
        Assert.True(await first);

        // The second and third waits are already due. The fourth is not.
        Assert.True(pacer.WaitAsync(Second).IsCompletedSuccessfully);
        Assert.True(pacer.WaitAsync(Second).IsCompletedSuccessfully);
        var fourth = pacer.WaitAsync(Second);
        Assert.False(fourth.IsCompleted);
        _time.Advance(Second);
        Assert.True(await fourth);
    }

    [Fact]
    public async Task Stop_EndsTheCurrentAndLaterWaits()
    {
        using var pacer = new Pacer(_time);
        var wait = pacer.WaitAsync(Timeout.InfiniteTimeSpan);

        pacer.Stop();

        Assert.False(await wait);
        Assert.False(await pacer.WaitAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task WaitAsync_Zero_DoesNotWait()
    {
        using var pacer = new Pacer(_time);

        Assert.True(await pacer.WaitAsync(TimeSpan.Zero));
        Assert.Equal(0, _time.ArmedTimers);
    }
}
