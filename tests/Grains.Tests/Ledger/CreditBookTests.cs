namespace CozeCluster.Grains.Tests.Ledger;

public sealed class CreditBookTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    private const int Ago = 2000;

    private readonly BudgetState _state = new();

    [Fact]
    public void Payments_MoreThanAreRemembered_AreNeverAddedTwice()
    {
        const int Count = CreditPayment.MaxRemembered + 20;
        var payments = Enumerable.Range(0, Count).Select(i => Payment($"p{i}", i)).ToList();
        foreach (var payment in payments) Assert.True(CreditBook.TryAdd(_state, payment, Now));

        foreach (var payment in payments)
        {
            // A forgotten payment is refused, one that is remembered is known.
            if (payment.At <= Now.AddSeconds(19 - Ago)) Assert.Equal(ErrorCode.Conflict, Refused(payment));
            else Assert.False(CreditBook.TryAdd(_state, payment, Now));
        }

        Assert.Equal((Count, CreditPayment.MaxRemembered), (_state.Credit, _state.Payments.Count));
        Assert.Equal($"p{Count - 1}", CreditBook.StatusOf(_state).Payments[0].Id);
    }

    [Fact]
    public void Payment_OlderThanOthers_IsAddedWhileNoneIsForgotten()
    {
        CreditBook.TryAdd(_state, Payment("b", 2), Now);
        CreditBook.TryAdd(_state, Payment("a", 1), Now);
        CreditBook.TryAdd(_state, Payment("c", 3), Now);

        Assert.Equal(["c", "b", "a"], _state.Payments.Select(payment => payment.Id));
    }

    [Theory]
    [InlineData("", 1, 0, "id")]
    [InlineData("x", long.MinValue + 1, 0, "amount")]
    [InlineData("x", long.MaxValue, 0, "amount")]
    [InlineData("x", 1, 301, "at")]
    public void Payment_OutOfRange_IsRefusedAndChangesNothing(string id, long units, int seconds, string field)
    {
        var error = Assert.Throws<ClusterException>(() => CreditBook.TryAdd(_state, new CreditPayment(id, units, Now.AddSeconds(seconds)), Now));

        Assert.Equal((ErrorCode.InvalidRequest, field), (error.Code, error.Param));
        Assert.Equal((0, 0), (_state.Credit, _state.Payments.Count));
    }

    private static CreditPayment Payment(string id, int seconds) => new(id, 1, Now.AddSeconds(seconds - Ago));

    private ErrorCode Refused(CreditPayment payment) => Assert.Throws<ClusterException>(() => CreditBook.TryAdd(_state, payment, Now)).Code;
}
