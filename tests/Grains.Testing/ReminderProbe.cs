namespace CozeCluster.Grains.Testing;

/// <summary>Calls the reminder service. Its calls complete after the work that the service has queued before.</summary>
public interface IReminderProbe : IGrainWithStringKey
{
    Task WaitForQueuedWork();
}

/// <inheritdoc cref="IReminderProbe" />
public sealed class ReminderProbe : Grain, IReminderProbe, IRemindable
{
    public async Task WaitForQueuedWork()
    {
        for (var i = 0; i < 5; i++) await this.GetReminder("none");
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Task.CompletedTask;
}
