using CozeCluster.Grains;
using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class DrainServiceTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly NonResumableTurns _turns = new();
    private readonly DrainService _drain;

    public DrainServiceTests() => _drain = MakeDrain(noticeSeconds: 0);

    public async ValueTask InitializeAsync() => await _drain.StartedAsync(CancellationToken.None);

    public ValueTask DisposeAsync()
    {
        _drain.Dispose();
        _turns.Dispose();
        return default;
    }

    [Fact]
    public async Task Stopping_AfterFailedStart_DoesNotWait()
    {
        using var drain = MakeDrain(noticeSeconds: 3);

        await drain.StoppingAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Stopping_NothingRuns_DoesNotWait() => await _drain.StoppingAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));

    [Fact]
    public async Task Stopping_WithNotice_WaitsAlsoForRequestsThatStartLater()
    {
        using var drain = MakeDrain(noticeSeconds: 3);
        var end = new TaskCompletionSource();
        await drain.StartedAsync(CancellationToken.None);

        var stopping = drain.StoppingAsync(CancellationToken.None);
        var laterRequest = drain.Invoke(new DefaultHttpContext(), _ => end.Task);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.False(stopping.IsCompleted);
        end.SetResult();

        await laterRequest;
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Stopping_RunningRequest_WaitsForIt()
    {
        var end = new TaskCompletionSource();
        var context = new DefaultHttpContext();
        var request = _drain.Invoke(context, _ => end.Task);

        var stopping = _drain.StoppingAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(19));
        Assert.False(stopping.IsCompleted);
        end.SetResult();

        await request;
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.False(context.RequestAborted.IsCancellationRequested);
    }

    [Fact]
    public async Task Stopping_RequestThatRunsTooLong_IsAborted()
    {
        var context = new DefaultHttpContext();
        var aborted = new TaskCompletionSource();
        context.Features.Set<IHttpRequestLifetimeFeature>(new Lifetime(aborted.SetResult));
        var request = _drain.Invoke(context, _ => aborted.Task);

        var stopping = _drain.StoppingAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(20));

        await request.WaitAsync(TimeSpan.FromSeconds(30));
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Stopping_RequestThatIgnoresTheAbort_DoesNotBlockTheNode()
    {
        var request = _drain.Invoke(new DefaultHttpContext(), _ => new TaskCompletionSource().Task);

        var stopping = _drain.StoppingAsync(CancellationToken.None);
        while (!stopping.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(20));
            await Task.Yield();
        }

        Assert.False(request.IsCompleted);
    }

    private DrainService MakeDrain(int noticeSeconds)
    {
        var settings = TestSettings.Default with { DrainNotice = TimeSpan.FromSeconds(noticeSeconds), DrainTime = TimeSpan.FromSeconds(20) };
        return new DrainService(settings, _turns, _time, NullLogger<DrainService>.Instance);
    }

    private sealed class Lifetime(Action abort) : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; }

        public void Abort() => abort();
    }
}
