using System.Collections.Concurrent;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains.Abstractions.Tests.Storage;

public sealed class StorageWatchTests : IDisposable
{
    private const int Timeout = 30_000;
    private const string Full = "The disk of the data directory is full.";

    private readonly ManualTime _time = new();
    private readonly FakeProbe _probe = new();
    private readonly Lines _log = new();
    private readonly StorageWatch _watch;

    public StorageWatchTests() => _watch = new(_probe, _time, _log);

    public void Dispose() => _watch.Dispose();

    [Fact(Timeout = Timeout)]
    public async Task Many_questions_within_a_second_are_one_test()
    {
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => Check()));
        Assert.Equal(1, _probe.Checks);

        _time.Advance(TimeSpan.FromSeconds(0.9));
        await Check();
        Assert.Equal(1, _probe.Checks);

        _time.Advance(TimeSpan.FromSeconds(0.1));
        await Check();
        Assert.Equal(2, _probe.Checks);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_failed_save_makes_the_next_answer_true()
    {
        Assert.Null(await Check());
        _probe.Reason = Full;
        Assert.Null(await Check());

        _watch.CheckNow();

        Assert.Equal(Full, await Check());
    }

    [Fact(Timeout = Timeout)]
    public async Task While_the_storage_is_not_usable_failed_saves_cause_no_tests()
    {
        _probe.Reason = Full;
        await Check();

        for (var i = 0; i < 100; i++) _watch.CheckNow();

        Assert.Equal(Full, await Check());
        Assert.Equal(1, _probe.Checks);
    }

    [Fact(Timeout = Timeout)]
    public async Task The_log_has_one_line_for_each_change_although_nobody_asks()
    {
        _probe.Reason = Full;
        _watch.CheckNow();
        await _probe.WaitForChecks(1);
        for (var checks = 2; checks <= 4; checks++)
        {
            while (!_time.IsArmed(TimeSpan.FromSeconds(2))) await Task.Yield();
            _time.Advance(TimeSpan.FromSeconds(2));
            await _probe.WaitForChecks(checks);
        }

        _probe.Reason = null;
        while (!_time.IsArmed(TimeSpan.FromSeconds(2))) await Task.Yield();
        _time.Advance(TimeSpan.FromSeconds(2));
        while (_log.All.Count < 2) await Task.Yield();

        Assert.Equal([$"Warning: This node is not ready: {Full}", "Information: The storage can be used again"], _log.All);
        Assert.Equal(0, _time.ArmedTimers);
        Assert.Null(await Check());
    }

    [Fact(Timeout = Timeout)]
    public async Task A_storage_that_does_not_answer_is_asked_once_until_it_does()
    {
        var answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _probe.Answer = answer.Task;
        for (var i = 0; i < 3; i++)
        {
            var check = Check();
            while (!_time.IsArmed(TimeSpan.FromSeconds(2))) await Task.Yield();
            _time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal("The storage has not answered for two seconds.", await check);
        }
        Assert.Equal(1, _probe.Checks);

        answer.SetResult(null);
        _probe.Answer = null;
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await Check());
    }

    [Fact(Timeout = Timeout)]
    public async Task An_error_of_the_test_is_a_reason()
    {
        _probe.Answer = Task.FromException<string?>(new ClusterException(ErrorCode.CallRejected, "No silo answers."));
        Assert.Equal("No silo answers.", await Check());

        _time.Advance(TimeSpan.FromSeconds(1));
        _probe.Answer = Task.FromException<string?>(new InvalidOperationException("secret"));
        Assert.Equal("The storage cannot be tested. See the log of the node.", await Check());
    }

    private Task<string?> Check() => _watch.Check(TestContext.Current.CancellationToken);

    private sealed class FakeProbe : IStorageProbe
    {
        private int _checks;

        public string? Reason { get; set; }

        public Task<string?>? Answer { get; set; }

        public int Checks => Volatile.Read(ref _checks);

        public Task<string?> Check(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _checks);
            return Answer ?? Task.FromResult(Reason);
        }

        public async Task WaitForChecks(int count)
        {
            while (Checks < count) await Task.Yield();
        }
    }

    private sealed class Lines : ILogger<StorageWatch>
    {
        public ConcurrentQueue<string> All { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Enqueue($"{logLevel}: {formatter(state, exception)}");
    }
}
