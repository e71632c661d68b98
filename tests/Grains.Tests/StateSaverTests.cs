namespace CozeCluster.Grains.Tests;

public sealed class StateSaverTests
{
    private readonly Turns _turns = new();
    private readonly SlowState _state = new();
    private readonly StateSaver<SlowState.Number> _saver;

    public StateSaverTests() => _saver = new StateSaver<SlowState.Number>(_state);

    [Fact]
    public void Save_WhileOneRuns_SharesTheNext() => _turns.Run(() =>
    {
        var first = Save(1);
        var second = Save(2);
        var third = Save(3);

        Finish();
        Assert.True(first.IsCompletedSuccessfully);
        Assert.False(second.IsCompleted);
        Finish();

        Assert.True(second.IsCompletedSuccessfully && third.IsCompletedSuccessfully);
        Assert.Equal([1, 3], _state.Saved);
    });

    [Fact]
    public void Save_AfterOneEndedAndBeforeTheNextBegan_SharesTheNext() => _turns.Run(() =>
    {
        var first = Save(1);
        var second = Save(2);
        _turns.Settle();

        _state.Finish();
        Assert.True(first.IsCompletedSuccessfully);
        var third = Save(3);
        _turns.Settle();
        Finish();

        Assert.True(second.IsCompletedSuccessfully && third.IsCompletedSuccessfully);
        Assert.Equal([1, 3], _state.Saved);
    });

    [Fact]
    public void Save_AfterAll_SavesAgain() => _turns.Run(() =>
    {
        Save(1);
        Save(2);
        Finish();
        Finish();

        var third = Save(3);
        Finish();

        Assert.True(third.IsCompletedSuccessfully);
        Assert.Equal([1, 2, 3], _state.Saved);
    });

    [Fact]
    public void Clear_WaitsForEverySave() => _turns.Run(() =>
    {
        Save(1);
        Save(2);
        var cleared = _saver.Clear();
        Finish();
        Assert.False(cleared.IsCompleted);
        Finish();
        Finish();

        Assert.True(cleared.IsCompletedSuccessfully);
        Assert.Equal([1, 2, -1], _state.Saved);
    });

    private Task Save(int number)
    {
        _state.Value.N = number;
        return _saver.Save();
    }

    private void Finish()
    {
        _turns.Settle();
        _state.Finish();
        _turns.Settle();
    }

    /// <summary>State whose saves end when told; one at a time, as engines demand.</summary>
    private sealed class SlowState : IGrainState<SlowState.Number>
    {
        private TaskCompletionSource? _saving;

        public sealed class Number
        {
            public int N { get; set; }
        }

        public List<int> Saved { get; } = [];

        public Number Value { get; set; } = new();

        public bool Exists => true;

        public Task Save(CancellationToken cancellationToken = default) => Write(Value.N);

        public Task Clear(CancellationToken cancellationToken = default) => Write(-1);

        public void Finish()
        {
            var saving = _saving!;
            _saving = null;
            saving.SetResult();
        }

        private Task Write(int number)
        {
            if (_saving is not null) throw new InvalidOperationException("One save at a time.");
            Saved.Add(number);
            _saving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _saving.Task;
        }
    }

    /// <summary>A grain's scheduler of which the test turns the handle.</summary>
    private sealed class Turns : SynchronizationContext
    {
        private readonly Queue<(SendOrPostCallback Callback, object? State)> _work = new();

        public override void Post(SendOrPostCallback d, object? state) => _work.Enqueue((d, state));

        public void Run(Action test)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                test();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        public void Settle()
        {
            while (_work.TryDequeue(out var next)) next.Callback(next.State);
        }
    }
}
