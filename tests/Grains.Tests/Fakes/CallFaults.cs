using Orleans.Core.Internal;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>
/// Injects random faults into idempotent calls: rejected calls and lost answers, which the caller retries, delayed calls, and deactivations of grains after a
/// call. The rates are probabilities from 0 to 1 per call.
/// </summary>
public sealed class CallFaults(int seed) : IOutgoingGrainCallFilter
{
    private readonly Random _random = new(seed);

    public double Rejections { get; init; } = 0.05;

    public double LostAnswers { get; init; } = 0.05;

    public double Deactivations { get; init; } = 0.05;

    public double Delays { get; init; } = 0.1;

    /// <summary>Must be called after <c>AddGrains</c>, so that retries pass through these faults.</summary>
    public void AddTo(ISiloBuilder silo) => silo.AddOutgoingGrainCallFilter(this);

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        if (context.InterfaceMethod?.IsDefined(typeof(IdempotentAttribute), false) != true)
        {
            await context.Invoke();
            return;
        }
        if (Happens(Delays)) await Task.Delay(TimeSpan.FromMilliseconds(Next() * 5), CancellationToken.None);
        if (Happens(Rejections)) throw new SiloUnavailableException("The silo has failed.");
        await context.InvokeKeepingArguments();
        // A conversation is not deactivated, because Orleans does not collect it while a turn runs either.
        if (context.Grain is not IConversationGrain && Happens(Deactivations))
        {
            _ = ((IAddressable)context.Grain).Cast<IGrainManagementExtension>().DeactivateOnIdle();
        }
        if (Happens(LostAnswers)) throw new SiloUnavailableException("The answer is lost.");
    }

    private bool Happens(double rate) => Next() < rate;

    private double Next()
    {
        lock (_random) return _random.NextDouble();
    }
}
