using Orleans.Core.Internal;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>
/// What a cluster does to idempotent calls on a bad day, from a seed: calls that never arrive, calls whose answer is lost (both are sent again by their caller), calls that are late,
/// and grains that are deactivated after a call. Rates are probabilities from 0 to 1 per call.
/// </summary>
public sealed class CallFaults(int seed) : IOutgoingGrainCallFilter
{
    private readonly Random _dice = new(seed);

    public double Rejections { get; init; } = 0.05;

    public double LostAnswers { get; init; } = 0.05;

    public double Deactivations { get; init; } = 0.05;

    public double Delays { get; init; } = 0.1;

    /// <summary>Must be called behind <c>AddGrains</c>, so that its resending is around these faults.</summary>
    public void AddTo(ISiloBuilder silo) => silo.AddOutgoingGrainCallFilter(this);

    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        if (context.InterfaceMethod?.IsDefined(typeof(IdempotentAttribute), false) != true)
        {
            await context.Invoke();
            return;
        }
        if (Falls(Delays)) await Task.Delay(TimeSpan.FromMilliseconds(Next() * 5), CancellationToken.None);
        if (Falls(Rejections)) throw new SiloUnavailableException("The silo is gone.");
        await context.InvokeKeepingArguments();
        // A conversation has background work as long as a turn runs, and is collected only behind it.
        if (context.Grain is not IConversationGrain && Falls(Deactivations)) _ = ((IAddressable)context.Grain).Cast<IGrainManagementExtension>().DeactivateOnIdle();
        if (Falls(LostAnswers)) throw new SiloUnavailableException("The answer is lost.");
    }

    private bool Falls(double rate) => Next() < rate;

    private double Next()
    {
        lock (_dice) return _dice.NextDouble();
    }
}
