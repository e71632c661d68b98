namespace CozeCluster.Engine.Contract;

/// <summary>What the suite's observers are told.</summary>
public interface IContractObserver : IObserver
{
    /// <summary>Takes a number.</summary>
    Task OnNumber(int number);

    /// <summary>Answers.</summary>
    ValueTask<string> Ask(string question);
}

/// <summary>Calls observers back.</summary>
public interface IObservedGrain : IGrain
{
    /// <summary>Tells the observer the numbers from 0, awaiting each call.</summary>
    Task Tell(int count, IContractObserver observer);

    /// <summary>Keeps the observer.</summary>
    Task Keep(IContractObserver? observer);

    /// <summary>Tells the observer kept a number.</summary>
    Task TellKept(int number);

    /// <summary>Asks the observer kept.</summary>
    Task<string> AskKept(string question);

    /// <summary>Asks the observer kept, in the background, waiting for so long; notes <c>key answered</c> or <c>key gave up</c>.</summary>
    Task AskKeptWithin(string question, int milliseconds);

    /// <summary>Tells the observer kept the numbers in the background, awaiting each; notes <c>key told</c>.</summary>
    Task TellInBackground(int count);

    /// <summary>Answers at once.</summary>
    Task<bool> IsFree();
}

/// <inheritdoc />
public class ObservedGrain(IGrainContext context, Probe probe) : IObservedGrain
{
    private IContractObserver? _kept;

    private IContractObserver Kept => _kept ?? throw new ClusterException(ErrorCode.NotFound, "No observer.");

    public async Task Tell(int count, IContractObserver observer)
    {
        for (var i = 0; i < count; i++) await observer.OnNumber(i);
    }

    public Task Keep(IContractObserver? observer)
    {
        _kept = observer;
        return Task.CompletedTask;
    }

    public Task TellKept(int number) => Kept.OnNumber(number);

    public async Task<string> AskKept(string question) => await Kept.Ask(question);

    public Task AskKeptWithin(string question, int milliseconds)
    {
        context.RunBackground(async token =>
        {
            try
            {
                await Kept.Ask(question).AsTask().WaitAsync(TimeSpan.FromMilliseconds(milliseconds), token);
                probe.Note(context.Key + " answered");
            }
            catch (TimeoutException)
            {
                probe.Note(context.Key + " gave up");
            }
        });
        return Task.CompletedTask;
    }

    public Task TellInBackground(int count)
    {
        context.RunBackground(async _ =>
        {
            await Tell(count, Kept);
            probe.Note(context.Key + " told");
        });
        return Task.CompletedTask;
    }

    public Task<bool> IsFree() => Task.FromResult(true);
}
