namespace CozeCluster.Engine.Embedded;

/// <summary>A reminder as a call: it waits for the grain's turn.</summary>
/// <param name="name">The reminder's name.</param>
/// <param name="ended">Told how it went, before the grain's next call begins.</param>
internal sealed class ReminderCall(string name, Action<Exception?> ended) : Call
{
    public override bool Interleaves => false;

    public override void Start() => _ = RunAsync();

    public override void Fail(Exception error) => ended(error);

    private async Task RunAsync()
    {
        Exception? failure = null;
        try
        {
            if (Activation.Grain is IGrainLifecycle life) await life.OnReminder(name, Activation.Stopping);
        }
        catch (Exception e)
        {
            failure = e;
        }
        ended(failure);
        Activation.End(this);
    }
}
