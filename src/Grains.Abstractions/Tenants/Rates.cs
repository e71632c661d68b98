namespace CozeCluster;

/// <summary>What a tenant with limits has to know of a turn that asks for admission.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="KeyName">The name of the API key that sent the request; null if it is not known.</param>
/// <param name="Tokens">The tokens that the turn may use; see <see cref="TurnEstimate"/>.</param>
[GenerateSerializer, Immutable, Alias("turn-terms")]
public sealed record TurnTerms(string TurnId, string? KeyName, long Tokens)
{
    /// <summary>The terms of a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isLanguageModel">Whether the client determines the longest output.</param>
    public static TurnTerms Of(TurnRequest request, bool isLanguageModel) =>
        new(request.TurnId, request.KeyName, TurnEstimate.InputOf(request) + TurnEstimate.OutputOf(request, isLanguageModel));
}

/// <summary>The answer of a tenant with limits.</summary>
/// <param name="Refusal">Why the turn is refused; null if it is admitted.</param>
/// <param name="Rates">What is left of the limits per minute; null without such limits.</param>
[GenerateSerializer, Immutable, Alias("admission")]
public sealed record Admission(Error? Refusal, RateStatus? Rates);

/// <summary>What is left of the limits per minute of a tenant and its key: of each kind, the limit of which less is left.</summary>
/// <param name="Requests">The requests; null without a limit.</param>
/// <param name="Tokens">The tokens; null without a limit.</param>
[GenerateSerializer, Immutable, Alias("rate-status")]
public sealed record RateStatus(RateLeft? Requests, RateLeft? Tokens);

/// <summary>What is left of a limit per minute.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Remaining">What is left, 0 or more.</param>
/// <param name="Reset">The time until everything is left again, if nothing more is used.</param>
[GenerateSerializer, Immutable, Alias("rate-left")]
public sealed record RateLeft(long Limit, long Remaining, TimeSpan Reset);
