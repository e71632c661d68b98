namespace CozeCluster.Grains.Testing;

/// <summary>Asks the reminder service for reminders: its calls wait their turn behind what the service does for others.</summary>
public interface IReminderProbe : IGrainWithStringKey
{
    Task Settle();
}

/// <inheritdoc cref="IReminderProbe" />
public sealed class ReminderProbe : Grain, IReminderProbe, IRemindable
{
    public async Task Settle()
    {
        for (var i = 0; i < 5; i++) await this.GetReminder("none");
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Task.CompletedTask;
}
