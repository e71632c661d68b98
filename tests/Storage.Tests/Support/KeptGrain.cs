namespace CozeCluster.Storage.Tests;

public sealed class KeptState
{
    public string? Text { get; set; }
}

[Alias("kept")]
public interface IKeptGrain : IGrainWithStringKey
{
    [Alias("Get")]
    Task<string?> Get();

    [Alias("Exists")]
    Task<bool> Exists();

    [Alias("Set")]
    Task Set(string text);

    [Alias("Clear")]
    Task Clear();

    [Alias("Remind")]
    Task Remind(string name, TimeSpan due, TimeSpan period);

    [Alias("Forget")]
    Task<bool> Forget(string name);
}

/// <summary>Keeps a text and reminders; a grain whose key begins with <c>last-</c> saves once more when it is deactivated.</summary>
[GrainType("kept")]
public sealed class KeptGrain([PersistentState("kept")] IPersistentState<KeptState> state, Probe probe) : Grain, IKeptGrain, IRemindable
{
    public const string StateName = "kept";

    public Task<string?> Get() => Task.FromResult(state.State.Text);

    public Task<bool> Exists() => Task.FromResult(state.RecordExists);

    public Task Set(string text)
    {
        state.State.Text = text;
        return state.WriteStateAsync();
    }

    public Task Clear() => state.ClearStateAsync();

    public Task Remind(string name, TimeSpan due, TimeSpan period) => this.RegisterOrUpdateReminder(name, due, period);

    public async Task<bool> Forget(string name)
    {
        if (await this.GetReminder(name) is not { } reminder) return false;
        await this.UnregisterReminder(reminder);
        return true;
    }

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        probe.Note($"{this.GetPrimaryKeyString()} {reminderName}");
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        this.GetPrimaryKeyString().StartsWith("last-", StringComparison.Ordinal) ? Set("last words") : Task.CompletedTask;
}
