using System.Text.Json.Serialization;
using Orleans.Concurrency;

namespace CozeCluster.Grains.Tests.Runtime;

/// <summary>Keeps a text.</summary>
[Alias("test.keeping")]
public interface IKeepingGrain : IGrainWithStringKey
{
    /// <summary>Changes the text and saves.</summary>
    [AlwaysInterleave, Alias("Set")]
    Task Set(string text);

    [Idempotent, AlwaysInterleave, Alias("Get")]
    Task<string?> Get();

    [Alias("Clear")]
    Task Clear();

    /// <summary>Starts work that notes <c>started</c>, and <c>cancelled</c> when it is cancelled.</summary>
    [Alias("StartWork")]
    Task StartWork();

    /// <summary>Starts work that saves and notes <c>saved</c>, or the code of the error it gets.</summary>
    [Alias("SaveInBackground")]
    Task SaveInBackground();

    /// <summary>The error that a save gives to the grain itself.</summary>
    [Alias("TrySave")]
    Task<string?> TrySave();

    [AlwaysInterleave, Alias("Activation")]
    Task<int> Activation();
}

public sealed class KeptState
{
    public string? Text { get; set; }
}

/// <summary>No <see cref="KeptState"/>.</summary>
public sealed class MisshapenState
{
    public int[] Text { get; set; } = [1];
}

[JsonSerializable(typeof(KeptState))]
[JsonSerializable(typeof(MisshapenState))]
public sealed partial class KeptJson : JsonSerializerContext;

[GrainType("test.keeping")]
public sealed class KeepingGrain([PersistentState(KeepingGrain.StateName)] IPersistentState<KeptState> state, BackgroundWork work, Probe probe) : Grain, IKeepingGrain
{
    public const string StateName = "kept";

    private readonly StateSaver<KeptState> _saver = new(state, work);
    private int _activation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _activation = Note("activated");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await work.StopAsync();
        Note("deactivated");
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
            Note("started");
            try
            {
                await Task.Delay(Timeout.Infinite, stop);
            }
            finally
            {
                Note("cancelled");
            }
        });
        return Task.CompletedTask;
    }

    public Task SaveInBackground()
    {
        work.Run(async _ => Note(await TrySave() ?? "saved"));
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

    private int Note(string what) => probe.Note($"{work.Key} {what}");
}
