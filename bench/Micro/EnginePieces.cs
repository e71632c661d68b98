using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Micro;

/// <summary>A grain, to be called.</summary>
public interface IPieceGrain : IGrain
{
    /// <summary>Answers at once.</summary>
    [Interleaves]
    Task<int> Answer(int number);

    /// <summary>Calls another grain, so that the call is between grains.</summary>
    [Interleaves]
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
public sealed class PieceGrain(IGrainContext<PieceState> context) : IPieceGrain
{
    /// <inheritdoc />
    public Task<int> Answer(int number) => Task.FromResult(number);

    /// <inheritdoc />
    public async Task<int> Ask(string key, int times)
    {
        var grain = context.Grains.Get<IPieceGrain>(key);
        var sum = 0;
        for (var i = 0; i < times; i++) sum += await grain.Answer(i);
        return sum;
    }

    /// <inheritdoc />
    public Task Save() => context.State.Save();
}

/// <summary>Calls and saves on the embedded engine.</summary>
internal static class EnginePieces
{
    private const int Times = 1000;

    public static async Task RunAsync(Measure measure)
    {
        var folder = Directory.CreateTempSubdirectory("cozecluster-micro-");
        try
        {
            var services = new ServiceCollection();
            services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
            services.AddEmbeddedEngine(
                [GrainDefinition.Of<IPieceGrain, PieceGrain, PieceState>("piece", PieceJson.Default.PieceState)], options => options.DataDirectory = folder.FullName);
            await using var provider = services.BuildServiceProvider();
            var engine = provider.GetServices<IHostedService>().Single();
            await engine.StartAsync(CancellationToken.None);
            var grains = provider.GetRequiredService<IGrains>();

            await measure.RunAsync("grain call, from outside", async () => await grains.Get<IPieceGrain>("one").Answer(1));
            await measure.RunAsync("grain call, from another grain", async () => await grains.Get<IPieceGrain>("one").Ask("other", Times), Times);
            await measure.RunAsync("save, alone", async () => await grains.Get<IPieceGrain>("one").Save());
            await measure.RunAsync("save, 64 at once", async () => await Task.WhenAll(Enumerable.Range(0, 64).Select(i => grains.Get<IPieceGrain>($"saver-{i}").Save())), 64);
            await engine.StopAsync(CancellationToken.None);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
