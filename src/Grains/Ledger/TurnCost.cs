using System.Text;

namespace CozeCluster.Grains;

/// <summary>What a turn is expected to use, and what it is charged.</summary>
internal static class TurnCost
{
    /// <summary>So that what a thousand turns want can be added up.</summary>
    private const long MaxCredits = BudgetRules.Unlimited / 1_000;

    /// <summary>What is reserved for a turn.</summary>
    /// <param name="input">The tokens that its prompt may have.</param>
    /// <param name="output">The tokens that its reply may have.</param>
    /// <param name="price">The price of its model; null: nothing.</param>
    public static Amounts Reserve(long input, long output, PriceDefinition? price) => Price(input, 0, output, price);

    /// <summary>What a turn is charged when it has ended, which is never more than was reserved for it.</summary>
    /// <param name="charge">What was reserved.</param>
    /// <param name="inputEstimate">The tokens that were expected of its prompt.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="reply">What it has produced.</param>
    /// <param name="received">UTF-16 units that clients have received of it, at least; <paramref name="reply"/> may have less. 0 or more.</param>
    /// <param name="usage">What the upstream has reported; null if nothing.</param>
    /// <param name="price">The price of its model; null: nothing.</param>
    public static TurnCharge Settle(
        TurnCharge charge, long inputEstimate, ReplyEvent end, IReadOnlyList<ReplyPart> reply, long received, Usage? usage, PriceDefinition? price)
    {
        if (end is ReplyFailed { Error.Code: ErrorCode.UpstreamOutcomeUnknown }) return charge with { State = ChargeState.Unknown };
        var used = Used((end as ReplyFailed)?.Error, inputEstimate, reply, received, usage, price) ?? default;
        return charge with { Amounts = Amounts.Min(used, charge.Amounts), State = ChargeState.Settled };
    }

    /// <summary>What an attempt has used of the limits of its bot and its account. The upstream has received one request in any case.</summary>
    /// <param name="error">Why it failed; null if it did not.</param>
    /// <param name="inputEstimate">The tokens that were expected of its prompt.</param>
    /// <param name="reply">What it has produced.</param>
    /// <param name="usage">What the upstream has reported; null if nothing.</param>
    /// <param name="price">The price of the model; null: nothing.</param>
    /// <returns>Null if nobody knows.</returns>
    public static Amounts? OfAttempt(Error? error, long inputEstimate, IReadOnlyList<ReplyPart> reply, Usage? usage, PriceDefinition? price) =>
        error is { Code: ErrorCode.UpstreamOutcomeUnknown } ? null : Used(error, inputEstimate, reply, received: 0, usage, price) ?? new Amounts(1, 0, 0);

    /// <summary>What a reply costs that is complete, or was cancelled after it had begun; null for any other one.</summary>
    private static Amounts? Used(
        Error? error, long inputEstimate, IReadOnlyList<ReplyPart> reply, long received, Usage? usage, PriceDefinition? price)
    {
        // A complete reply has everything that clients have received.
        if (error is null) received = 0;
        else if (error.Code != ErrorCode.Cancelled || (reply.Count == 0 && received == 0)) return null;
        // A UTF-16 unit has at least one byte in UTF-8.
        var output = usage?.OutputTokens ?? TurnEstimate.OfBytes(Math.Max(SizeOf(reply), received));
        return Price(usage?.InputTokens ?? inputEstimate, usage?.CachedInputTokens ?? 0, output, price);
    }

    private static Amounts Price(long input, long cached, long output, PriceDefinition? price)
    {
        if (price is null) return new Amounts(1, input + output, 0);
        // A price in credits for a million tokens is one in millionths of credits for a token.
        cached = Math.Clamp(cached, 0, input);
        var units = (input - cached) * price.Input + cached * (price.CachedInput ?? price.Input) + output * price.Output
            + price.Request * Amounts.UnitsPerCredit;
        return new Amounts(1, input + output, (long)Math.Min(Math.Ceiling(units), MaxCredits));
    }

    private static long SizeOf(IReadOnlyList<ReplyPart> reply) => reply.Sum(part => part switch
    {
        TextPart text => Encoding.UTF8.GetByteCount(text.Text),
        ReasoningPart reasoning => Encoding.UTF8.GetByteCount(reasoning.Text),
        ItemPart { Item: ToolCallItem call } => call.Name.Length + Encoding.UTF8.GetByteCount(call.Arguments),
        _ => 0L,
    });
}
