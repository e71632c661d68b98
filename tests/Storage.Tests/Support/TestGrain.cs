using System.Collections.Concurrent;
using System.Text.Json;
using Orleans.Storage;

namespace CozeCluster.Storage.Tests;

public sealed class TestState
{
    public string? Text { get; set; }
}

[Alias("test")]
public interface ITestGrain : IGrainWithStringKey
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

    [Alias("Unremind")]
    Task<bool> Unremind(string name);
}

/// <summary>Stores a text and registers reminders. A grain whose key begins with <c>last-</c> saves once more when it is deactivated.</summary>
[GrainType("test")]
public sealed class TestGrain([PersistentState("test")] IPersistentState<TestState> state, TestEvents events) : Grain, ITestGrain, IRemindable
{
    public const string StateName = "test";

    public Task<string?> Get() => Task.FromResult(state.State.Text);

    public Task<bool> Exists() => Task.FromResult(state.RecordExists);

    public Task Set(string text)
    {
        state.State.Text = text;
        return state.WriteStateAsync();
    }

    public Task Clear() => state.ClearStateAsync();

    public Task Remind(string name, TimeSpan due, TimeSpan period) => this.RegisterOrUpdateReminder(name, due, period);

    public async Task<bool> Unremind(string name)
    {
        if (await this.GetReminder(name) is not { } reminder) return false;
        await this.UnregisterReminder(reminder);
        return true;
    }

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        events.Report($"{this.GetPrimaryKeyString()} {reminderName}");
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        this.GetPrimaryKeyString().StartsWith("last-", StringComparison.Ordinal) ? Set("last") : Task.CompletedTask;
}

/// <summary>Events that grains report to the test.</summary>
public sealed class TestEvents
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _events = new();

    public void Report(string name) => Get(name).TrySetResult();

    /// <summary>Completes when the event has been reported.</summary>
    public Task WaitFor(string name) => Get(name).Task;

    private TaskCompletionSource Get(string name) => _events.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}

/// <summary>Serializes states as JSON without type names, as CozeCluster does.</summary>
internal sealed class TestSerializer : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input));

    public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span)!;
}
