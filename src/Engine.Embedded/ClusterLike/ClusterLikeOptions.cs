using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Engine.Embedded;

/// <summary>
/// The embedded engine's test mode: every argument and result goes through the wire serializer, and faults that a cluster has are injected. Rates are
/// probabilities from 0 to 1 per call. What happens to the n-th call of a grain follows from the seed, the grain and n alone.
/// </summary>
public sealed record ClusterLikeOptions
{
    /// <summary>Another seed, other faults. Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Calls that never arrive: <see cref="ErrorCode.EngineRejected"/>, retried if idempotent. Default 0.</summary>
    public double Rejections { get; init; }

    /// <summary>Calls that run, but whose answer is lost: <see cref="ErrorCode.EngineRejected"/>, run again if idempotent. Default 0.</summary>
    public double LostResponses { get; init; }

    /// <summary>Idempotent calls that are delivered twice. Default 0.</summary>
    public double Duplicates { get; init; }

    /// <summary>Calls after which the grain is put away, unless it has background work. Default 0.</summary>
    public double Deactivations { get; init; }

    /// <summary>Calls after which the grain is put away even if it has background work, which is cancelled: as when its node leaves. Default 0.</summary>
    public double Evictions { get; init; }

    /// <summary>Calls that are delivered late, so that calls made meanwhile overtake them. Default 0.</summary>
    public double Delays { get; init; }

    /// <summary>The longest delay, in real time. Default 5 ms.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Knows messages that only a test uses.</summary>
    public IJsonTypeInfoResolver? Messages { get; init; }

    /// <summary>Faults of every kind at rates that a well-made grain survives.</summary>
    public static ClusterLikeOptions Rough(int seed, IJsonTypeInfoResolver? messages = null) => new()
    {
        Seed = seed,
        Messages = messages,
        Rejections = 0.05,
        LostResponses = 0.05,
        Duplicates = 0.05,
        Deactivations = 0.05,
        Delays = 0.1,
    };
}
