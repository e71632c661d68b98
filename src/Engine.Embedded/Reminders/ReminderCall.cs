namespace CozeCluster.Engine.Embedded;

/// <summary>A reminder as a call: it waits for the grain's turn.</summary>
internal sealed class ReminderCall(string name) : Call
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => _done.Task;

    public override bool Interleaves => false;

    public override void Start() => _ = RunAsync();

    public override void Fail(Exception error) => _done.TrySetException(error);

    private async Task RunAsync()
    {
        try
        {
            if (Activation.Grain is IGrainLifecycle life) await life.OnReminder(name, Activation.Stopping);
            _done.TrySetResult();
        }
        catch (Exception e)
        {
            _done.TrySetException(e);
        }
        finally
        {
            Activation.End(this);
        }
    }
}
