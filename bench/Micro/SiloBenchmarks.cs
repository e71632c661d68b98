using System.Text.Json.Serialization;
using CozeCluster.Grains;
using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using Orleans.Storage;

namespace CozeCluster.Micro;

/// <summary>A grain for benchmarks.</summary>
[Alias("piece")]
public interface IBenchmarkGrain : IGrainWithStringKey
{
    /// <summary>Returns the number.</summary>
    [AlwaysInterleave]
    Task<int> Echo(int number);

    /// <summary>Calls another grain, so that calls between grains are measured.</summary>
    [AlwaysInterleave]
    Task<int> EchoOf(string key, int times);

    /// <summary>Saves the state.</summary>
    Task Save();
}

/// <summary>The state, of about the size of a conversation's state.</summary>
public sealed class BenchmarkState
{
    /// <summary>Text.</summary>
    public string Text { get; set; } = new('x', 500);
}

[JsonSerializable(typeof(BenchmarkState))]
internal sealed partial class BenchmarkJson : JsonSerializerContext;

/// <summary>The grain.</summary>
[GrainType("piece")]
public sealed class BenchmarkGrain([PersistentState("piece")] IPersistentState<BenchmarkState> state) : Grain, IBenchmarkGrain
{
    /// <inheritdoc />
    public Task<int> Echo(int number) => Task.FromResult(number);

    /// <inheritdoc />
    public async Task<int> EchoOf(string key, int times)
    {
        var grain = GrainFactory.GetGrain<IBenchmarkGrain>(key);
        var sum = 0;
        for (var i = 0; i < times; i++) sum += await grain.Echo(i);
        return sum;
    }

    /// <inheritdoc />
    public Task Save() => state.WriteStateAsync();
}

/// <summary>Calls and saves in a silo on SQLite. Saves do not wait for the disk.</summary>
internal static class SiloBenchmarks
{
    private const int Times = 1000;

    public static async Task RunAsync(BenchmarkRunner runner)
    {
        await using var silo = await TestSilo.StartAsync(
            silo => silo.Services.AddSingleton<IGrainStorageSerializer>(new StateSerializer(BenchmarkJson.Default)), time: TimeProvider.System);
        var grains = silo.Grains;
        var one = grains.GetGrain<IBenchmarkGrain>("one");
        var savers = Enumerable.Range(0, 64).Select(i => grains.GetGrain<IBenchmarkGrain>($"saver-{i}")).ToList();

        await runner.RunAsync("grain call, from outside", async () => await one.Echo(1));
        await runner.RunAsync("grain call, from another grain", async () => await one.EchoOf("other", Times), Times);
        await runner.RunAsync("save, alone", async () => await one.Save());
        await runner.RunAsync("save, 64 at once", async () => await Task.WhenAll(savers.Select(saver => saver.Save())), savers.Count);
    }
}
