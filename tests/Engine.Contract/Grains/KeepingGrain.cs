using System.Text.Json.Serialization;

namespace CozeCluster.Engine.Contract;

/// <summary>Keeps a text.</summary>
public interface IKeepingGrain : IGrain
{
    /// <summary>Stores a text.</summary>
    Task Set(string text);

    /// <summary>Changes the text in memory only.</summary>
    Task SetUnsaved(string text);

    /// <summary>The text in memory.</summary>
    Task<string?> Get();

    /// <summary>Whether something is stored.</summary>
    Task<bool> Exists();

    /// <summary>Deletes what is stored.</summary>
    Task Clear();

    /// <summary>Saves twice at once.</summary>
    /// <returns>Whether the second was refused with <see cref="InvalidOperationException"/>.</returns>
    Task<bool> SaveTwiceAtOnce();

    /// <summary>Saves, then changes the value before the save has ended.</summary>
    Task SetAndChangeMeanwhile(string saved, string changed);

    /// <summary>Starts background work that notes <c>key started</c>, and <c>key cancelled</c> when it is cancelled.</summary>
    Task StartWork();

    /// <summary>Background work saves once that gate is open, and notes the code it fails with.</summary>
    Task SaveInBackground(string gate);

    /// <summary>Which activation this is, from 1.</summary>
    Task<int> Incarnation();
}

/// <summary>What it keeps.</summary>
public sealed class KeptState
{
    public string? Text { get; set; }
}

/// <summary>How it is written.</summary>
[JsonSerializable(typeof(KeptState))]
public sealed partial class KeptJson : JsonSerializerContext;

/// <inheritdoc />
/// <remarks>A key that begins with <c>last</c> saves the text "last words" when it is put away.</remarks>
public class KeepingGrain(IGrainContext<KeptState> context, Probe probe) : IKeepingGrain, IGrainLifecycle
{
    private int _incarnation;

    public ValueTask OnActivate(CancellationToken cancellationToken)
    {
        _incarnation = probe.Note(context.Key + " activated");
        return default;
    }

    public async ValueTask OnDeactivate(CancellationToken cancellationToken)
    {
        probe.Note(context.Key + " deactivated");
        if (!context.Key.StartsWith("last", StringComparison.Ordinal)) return;
        context.State.Value.Text = "last words";
        await context.State.Save(cancellationToken);
    }

    public Task Set(string text)
    {
        context.State.Value.Text = text;
        return context.State.Save();
    }

    public Task SetUnsaved(string text)
    {
        context.State.Value.Text = text;
        return Task.CompletedTask;
    }

    public Task<string?> Get() => Task.FromResult(context.State.Value.Text);

    public Task<bool> Exists() => Task.FromResult(context.State.Exists);

    public Task Clear() => context.State.Clear();

    public async Task<bool> SaveTwiceAtOnce()
    {
        var first = context.State.Save();
        // A store may be done before anybody looks; from here on, only the grain itself could see the save end.
        while (first.IsCompleted)
        {
            await first;
            first = context.State.Save();
        }
        var refused = false;
        try
        {
            await context.State.Save();
        }
        catch (InvalidOperationException)
        {
            refused = true;
        }
        await first;
        return refused;
    }

    public async Task SetAndChangeMeanwhile(string saved, string changed)
    {
        context.State.Value.Text = saved;
        var save = context.State.Save();
        context.State.Value.Text = changed;
        await save;
    }

    public Task StartWork()
    {
        context.RunBackground(async token =>
        {
            probe.Note(context.Key + " started");
            try
            {
                await probe.Pass(context.Key + " never", token);
            }
            finally
            {
                probe.Note(context.Key + " cancelled");
            }
        });
        return Task.CompletedTask;
    }

    public Task SaveInBackground(string gate)
    {
        context.RunBackground(async token =>
        {
            await probe.Pass(gate, token);
            try
            {
                await context.State.Save(token);
            }
            catch (ClusterException e)
            {
                probe.Note($"{context.Key} {e.Code}");
                throw;
            }
        });
        return Task.CompletedTask;
    }

    public Task<int> Incarnation() => Task.FromResult(_incarnation);
}
