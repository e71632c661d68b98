using System.Text.Json.Serialization;
using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Stores a text.</summary>
[Alias("test.storing")]
public interface IStoringGrain : IGrainWithStringKey
{
    /// <summary>Changes the text and saves.</summary>
    [AlwaysInterleave, Alias("Set")]
    Task Set(string text);

    [Idempotent, AlwaysInterleave, Alias("Get")]
    Task<string?> Get();

    [Alias("Clear")]
    Task Clear();

    /// <summary>Starts work that records <c>started</c>, and <c>cancelled</c> when it is cancelled.</summary>
    [Alias("StartWork")]
    Task StartWork();

    /// <summary>Starts work that saves, and records <c>saved</c> or the code of the error.</summary>
    [Alias("SaveInBackground")]
    Task SaveInBackground();

    /// <summary>Saves and returns the code of the error that the grain receives.</summary>
    [Alias("TrySave")]
    Task<string?> TrySave();

    [AlwaysInterleave, Alias("Activation")]
    Task<int> Activation();
}

public sealed class StoredState
{
    public string? Text { get; set; }
}

/// <summary>JSON of this type cannot be read as a <see cref="StoredState"/>.</summary>
public sealed class UnreadableState
{
    public int[] Text { get; set; } = [1];
}

[JsonSerializable(typeof(StoredState))]
[JsonSerializable(typeof(UnreadableState))]
public sealed partial class StoredJson : JsonSerializerContext;

[GrainType("test.storing")]
public sealed class StoringGrain([PersistentState(StoringGrain.StateName)] IPersistentState<StoredState> state, BackgroundWork work, Probe probe)
    : Grain, IStoringGrain
{
    public const string StateName = "stored";

    private readonly StateSaver<StoredState> _saver = new(state, work);
    private int _activation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _activation = Record("activated");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await work.StopAsync();
        Record("deactivated");
    }

    public Task Set(string text)
    {
        state.State.Text = text;
        return _saver.Save();
    }

    public Task<string?> Get() => Task.FromResult(state.State.Text);

    public Task Clear() => _saver.Clear();

    public Task StartWork()
    {
        work.Run(async stop =>
        {
            Record("started");
            try
            {
                await Task.Delay(Timeout.Infinite, stop);
            }
            finally
            {
                Record("cancelled");
            }
        });
        return Task.CompletedTask;
    }

    public Task SaveInBackground()
    {
        work.Run(async _ => Record(await TrySave() ?? "saved"));
        return Task.CompletedTask;
    }

    public async Task<string?> TrySave()
    {
        try
        {
            await _saver.Save();
            return null;
        }
        catch (ClusterException exception)
        {
            return exception.Code.ToString();
        }
    }

    public Task<int> Activation() => Task.FromResult(_activation);

    private int Record(string what) => probe.Record($"{work.Key} {what}");
}
