namespace CozeCluster;

/// <summary>
/// Asks an upstream whether it would accept what the bots of a fleet send to it. It only reads: no bot receives a message, and nothing changes at the upstream.
/// Thread-safe.
/// </summary>
public interface IUpstreamProbe
{
    /// <summary>The questions about a fleet, in its order. They do not depend on each other.</summary>
    IEnumerable<ProbeQuestion> Questions(Fleet fleet);
}

/// <summary>A question to an upstream.</summary>
/// <param name="Subject">What it is about: <c>bot 'helper' with account 'main'</c>.</param>
/// <param name="Ask">
/// Asks the upstream. Throws a <see cref="ClusterException"/> if the upstream refuses the question or cannot be reached.
/// </param>
public sealed record ProbeQuestion(string Subject, Func<CancellationToken, Task<ProbeFinding>> Ask);

/// <summary>What the answer of an upstream means.</summary>
public enum ProbeResult
{
    /// <summary>The upstream accepts it.</summary>
    Ok,

    /// <summary>The upstream does not say whether it accepts it.</summary>
    Unknown,

    /// <summary>The upstream would refuse it.</summary>
    Problem,
}

/// <summary>The answer to a <see cref="ProbeQuestion"/>.</summary>
/// <param name="Result">What it means.</param>
/// <param name="Text">What was found, and what to do if it is not right, in sentences without secrets.</param>
public sealed record ProbeFinding(ProbeResult Result, string Text)
{
    /// <summary>The upstream accepts it.</summary>
    public static ProbeFinding Ok(string text) => new(ProbeResult.Ok, text);

    /// <summary>The upstream does not say whether it accepts it.</summary>
    public static ProbeFinding Unknown(string text) => new(ProbeResult.Unknown, text);

    /// <summary>The upstream would refuse it.</summary>
    public static ProbeFinding Problem(string text) => new(ProbeResult.Problem, text);

    /// <summary>The upstream would refuse it, because it has refused the question.</summary>
    /// <param name="refusal">What it has said.</param>
    /// <param name="advice">What to do.</param>
    public static ProbeFinding Problem(ClusterException refusal, string advice) => Problem($"{refusal.Message.TrimEnd('.')}. {advice}");
}
