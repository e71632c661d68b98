using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>What turns are charged, over random reservations, replies and claims of clients.</summary>
public sealed class TurnCostTests
{
    private static readonly PriceDefinition Price = new() { Input = 3, CachedInput = 1, Output = 7.5m, Request = 0.25m };

    private static readonly Arbitrary<(long Input, long Output, string Text, long Received)> Turns = (
        from input in Gen.Choose(0, 5_000)
        from output in Gen.Choose(0, 5_000)
        from text in Gen.OneOf(Gen.Constant(""), ArbMap.Default.GeneratorFor<NonNull<string>>().Select(one => one.Item))
        from received in Gen.OneOf(Gen.Choose(0, 12_000).Select(one => (long)one), Gen.Constant(0L), Gen.Constant((long)int.MaxValue))
        select ((long)input, (long)output, text, received)).ToArbitrary();

    [Fact]
    public void CancelledTurn_IsChargedTheLongerOfWhatIsKeptAndWhatWasReceived_ButNoMoreThanReserved() => Prop.ForAll(Turns, turn =>
    {
        var reserved = Reserve(turn.Input, turn.Output);

        var charge = Settle(reserved, turn.Input, Failed(ErrorCode.Cancelled), turn.Text, turn.Received);

        var produced = TurnEstimate.OfBytes(Math.Max(Encoding.UTF8.GetByteCount(turn.Text), turn.Received));
        var expected = turn.Text.Length == 0 && turn.Received == 0 ? default : Amounts.Min(TurnCost.Reserve(turn.Input, produced, Price), reserved.Amounts);
        Assert.Equal((ChargeState.Settled, expected), (charge.State, charge.Amounts));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AnyOtherTurn_IsChargedTheSame_WhateverItsClientsClaim() => Prop.ForAll(Turns, turn =>
    {
        var reserved = Reserve(turn.Input, turn.Output);
        ReplyEvent[] ends = [new ReplyCompleted(FinishReason.Stop, null, null), Failed(ErrorCode.UpstreamFailed), Failed(ErrorCode.UpstreamOutcomeUnknown)];
        foreach (var end in ends)
        {
            var charge = Settle(reserved, turn.Input, end, turn.Text, turn.Received);

            Assert.Equal(Settle(reserved, turn.Input, end, turn.Text, received: 0), charge);
            Assert.Equal(charge.Amounts, Amounts.Min(charge.Amounts, reserved.Amounts));
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void CancelledTurn_WhoseUpstreamHasReportedUsage_IsChargedThat()
    {
        var charge = TurnCost.Settle(Reserve(10, 100), 10, Failed(ErrorCode.Cancelled), [new TextPart("x")], received: 50, new Usage(4, 6, 10), Price);

        Assert.Equal(TurnCost.Reserve(4, 6, Price), charge.Amounts);
    }

    private static TurnCharge Reserve(long input, long output) => new(1, 1, TurnCost.Reserve(input, output, Price), ChargeState.Reserved);

    private static TurnCharge Settle(TurnCharge reserved, long input, ReplyEvent end, string text, long received) =>
        TurnCost.Settle(reserved, input, end, text.Length > 0 ? [new TextPart(text)] : [], received, usage: null, Price);

    private static ReplyFailed Failed(ErrorCode code) => new(new Error(code, "It ended."), null);
}
