using System.Text.Json.Serialization;
using CozeCluster.Grains;
using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using Orleans.Storage;

namespace CozeCluster.Micro;

/// <summary>A grain, to be called.</summary>
[Alias("piece")]
public interface IPieceGrain : IGrainWithStringKey
{
    /// <summary>Answers at once.</summary>
    [AlwaysInterleave]
    Task<int> Answer(int number);

    /// <summary>Calls another grain, so that the call is between grains.</summary>
    [AlwaysInterleave]
    Task<int> Ask(string key, int times);

    /// <summary>Saves its state.</summary>
    Task Save();
}

/// <summary>What it saves: about as much as a conversation.</summary>
public sealed class PieceState
{
    /// <summary>Some text.</summary>
    public string Text { get; set; } = new('x', 500);
}

[JsonSerializable(typeof(PieceState))]
internal sealed partial class PieceJson : JsonSerializerContext;

/// <summary>The grain.</summary>
[GrainType("piece")]
public sealed class PieceGrain([PersistentState("piece")] IPersistentState<PieceState> state) : Grain, IPieceGrain
{
    /// <inheritdoc />
    public Task<int> Answer(int number) => Task.FromResult(number);

    /// <inheritdoc />
    public async Task<int> Ask(string key, int times)
    {
        var grain = GrainFactory.GetGrain<IPieceGrain>(key);
        var sum = 0;
        for (var i = 0; i < times; i++) sum += await grain.Answer(i);
        return sum;
    }

    /// <inheritdoc />
    public Task Save() => state.WriteStateAsync();
}

/// <summary>Calls and saves in a silo on SQLite. Saves do not wait for the disk.</summary>
internal static class SiloPieces
{
    private const int Times = 1000;

    public static async Task RunAsync(Measure measure)
    {
        await using var silo = await TestSilo.StartAsync(
            silo => silo.Services.AddSingleton<IGrainStorageSerializer>(new StateSerializer(PieceJson.Default)), time: TimeProvider.System);
        var grains = silo.Grains;
        var one = grains.GetGrain<IPieceGrain>("one");
        var savers = Enumerable.Range(0, 64).Select(i => grains.GetGrain<IPieceGrain>($"saver-{i}")).ToList();

        await measure.RunAsync("grain call, from outside", async () => await one.Answer(1));
        await measure.RunAsync("grain call, from another grain", async () => await one.Ask("other", Times), Times);
        await measure.RunAsync("save, alone", async () => await one.Save());
        await measure.RunAsync("save, 64 at once", async () => await Task.WhenAll(savers.Select(saver => saver.Save())), savers.Count);
    }
}
