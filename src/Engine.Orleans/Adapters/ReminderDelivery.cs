namespace CozeCluster.Engine.Orleans;

/// <summary>Hands reminders to grains, for adapter classes of grains that have some.</summary>
public static class ReminderDelivery
{
    /// <summary>Tells the grain that a reminder is due. Orleans has it wait its turn, and puts no grain away during a call, so there is nothing to cancel.</summary>
    public static Task Remind(this IGrainLifecycle grain, string name) => grain.OnReminder(name, CancellationToken.None).AsTask();
}
