using System.Security.Cryptography;
using CozeCluster.Discord;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;
using CozeCluster.Upstreams;

namespace CozeCluster.Silo.Hosting;

/// <summary>Asks the upstreams of a fleet whether they would accept what it sends to them. Starts no node, and no bot receives a message.</summary>
internal static class OnlineCheck
{
    private const int MaxAtOnce = 8;

    // Of a question, and of the few calls that answer it.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Asks all questions, and writes one line for each in the order of the fleet.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> Run(FleetFile file, TextWriter output)
    {
        // The secrets of the file are encrypted as in a node, with a key that is not kept.
        var seal = new AesSecretSeal(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes));
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<ISecretSeal>(seal)
            .AddUpstreamProbes()
            .AddDiscordProbe()
            .BuildServiceProvider();
        var fleet = FleetBuilder.Build(file, seal);
        return await Run(services.GetServices<IUpstreamProbe>().SelectMany(probe => probe.Questions(fleet)), TimeProvider.System, output);
    }

    /// <inheritdoc cref="Run(FleetFile,TextWriter)"/>
    internal static async Task<int> Run(IEnumerable<ProbeQuestion> questions, TimeProvider time, TextWriter output)
    {
        using var free = new SemaphoreSlim(MaxAtOnce);
        var asked = questions.Select(question => (question.Subject, Answer: Ask(question, free, time))).ToList();
        var counts = new Dictionary<ProbeResult, int>();
        foreach (var (subject, answer) in asked)
        {
            var (result, text) = await answer;
            counts[result] = counts.GetValueOrDefault(result) + 1;
            await output.WriteLineAsync($"{WordOf(result)}: {subject}: {text}");
        }
        var problems = counts.GetValueOrDefault(ProbeResult.Problem);
        await output.WriteLineAsync(
            $"The upstreams were asked: {counts.GetValueOrDefault(ProbeResult.Ok)} ok, {counts.GetValueOrDefault(ProbeResult.Unknown)} not known, "
            + $"{(problems == 1 ? "1 problem" : $"{problems} problems")}.");
        return problems == 0 ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static async Task<ProbeFinding> Ask(ProbeQuestion question, SemaphoreSlim free, TimeProvider time)
    {
        await free.WaitAsync(CancellationToken.None);
        try
        {
            using var timeout = new CancellationTokenSource(Limit, time);
            return await question.Ask(timeout.Token);
        }
        catch (ClusterException e)
        {
            return ProbeFinding.Problem(e, "Check the address, the proxy and the network, or ask again later.");
        }
        catch (OperationCanceledException)
        {
            return ProbeFinding.Problem($"There was no answer within {Limit.TotalSeconds} s. Check the address, the proxy and the network.");
        }
        finally
        {
            free.Release();
        }
    }

    private static string WordOf(ProbeResult result) => result switch
    {
        ProbeResult.Ok => "OK",
        ProbeResult.Unknown => "Not known",
        _ => "Problem",
    };
}
