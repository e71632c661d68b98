namespace CozeCluster.Grains;

/// <summary>
/// Adds payments of prepaid credit, each once. The state remembers a bounded number of them, the newest by the time that each says. What is older than all that
/// are remembered is refused: it may have been added and forgotten.
/// </summary>
internal static class CreditBook
{
    /// <summary>How much later than here the clock of a client may be.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    /// <summary>Adds a payment.</summary>
    /// <returns>False if it was added before.</returns>
    /// <exception cref="ClusterException">See <see cref="IBudgetGrain.AddCredit"/>.</exception>
    public static bool TryAdd(BudgetState state, CreditPayment payment, DateTimeOffset now)
    {
        if (payment.Id.Length is 0 or > CreditPayment.MaxId)
            throw new ClusterException(ErrorCode.InvalidRequest, $"The id of a payment has 1 to {CreditPayment.MaxId} characters.", "id");
        if (payment.Note?.Length > CreditPayment.MaxNote)
            throw new ClusterException(ErrorCode.InvalidRequest, $"The note of a payment has at most {CreditPayment.MaxNote} characters.", "note");
        if (state.Payments.Find(known => known.Id == payment.Id) is { } added)
        {
            if (added.Units != payment.Units)
                throw new ClusterException(ErrorCode.IdempotencyMismatch, "A payment with this id and another amount exists.", "id");
            return false;
        }
        // A time in the future would be remembered longer than payments that are made later.
        if (payment.At > now + MaxAhead) throw new ClusterException(ErrorCode.InvalidRequest, "The time of the payment is in the future.", "at");
        if (payment.At <= state.ForgottenUntil)
        {
            throw new ClusterException(
                ErrorCode.Conflict,
                $"The payment is older than the last {CreditPayment.MaxRemembered} payments of the tenant, so it may have been added already. "
                + "The audit log has all of them. If it is missing there, send it with another id and the present time.", "at");
        }
        const long Most = BudgetRules.Unlimited - 1;
        if (payment.Units is < -Most or > Most || Math.Abs(state.Credit + payment.Units) > Most)
            throw new ClusterException(ErrorCode.InvalidRequest, "The credit would become too large.", "amount");
        state.Credit += payment.Units;
        var place = state.Payments.FindIndex(known => known.At <= payment.At);
        state.Payments.Insert(place < 0 ? state.Payments.Count : place, payment);
        if (state.Payments.Count > CreditPayment.MaxRemembered)
        {
            state.ForgottenUntil = state.Payments[^1].At;
            state.Payments.RemoveAt(state.Payments.Count - 1);
        }
        return true;
    }

    /// <summary>The credit of a state.</summary>
    public static CreditStatus StatusOf(BudgetState state) => new(state.Credit, [.. state.Payments]);
}
