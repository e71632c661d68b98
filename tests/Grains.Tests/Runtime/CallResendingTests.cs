using System.Reflection;
using Orleans.Runtime.Messaging;

namespace CozeCluster.Grains.Tests.Runtime;

public sealed class CallResendingTests : RuntimeTest<RuntimeSilo>
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    public CallResendingTests(RuntimeSilo fixture) : base(fixture)
    {
        Fixture.Sent.Rejections.Clear();
        Fixture.Sent.LostAnswers.Clear();
    }

    private ICountingGrain Grain => Get<ICountingGrain>();

    [Fact(Timeout = Hang)]
    public async Task An_idempotent_call_that_is_rejected_is_sent_again_until_it_arrives()
    {
        Reject(nameof(ICountingGrain.Again), attempt => attempt <= 3 ? new SiloUnavailableException() : null);

        var call = Grain.Again("id");
        await Fixture.AdvanceUntil(call, Step);

        Assert.Equal("id", await call);
        Assert.Equal(1, Count(nameof(ICountingGrain.Again)));
        Assert.Equal(4, Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.Again)).Count);
    }

    [Theory(Timeout = Hang)]
    [InlineData(typeof(SiloUnavailableException))]
    [InlineData(typeof(OrleansMessageRejectionException))]
    [InlineData(typeof(ConnectionFailedException))]
    [InlineData(typeof(GatewayTooBusyException))]
    [InlineData(typeof(ClientNotAvailableException))]
    [InlineData(typeof(OrleansException))]
    [InlineData(typeof(TimeoutException))]
    [InlineData(typeof(OperationCanceledException))]
    public async Task An_idempotent_call_whose_answer_is_lost_is_sent_again(Type type)
    {
        var loss = (Exception)Activator.CreateInstance(type, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, null, ["It is gone."], null)!;
        Fixture.Sent.LostAnswers[nameof(ICountingGrain.Again)] = attempt => attempt == 1 ? loss : null;

        var call = Grain.Again("id");
        await Fixture.AdvanceUntil(call, Step);

        Assert.Equal("id", await call);
        Assert.Equal(2, Count(nameof(ICountingGrain.Again)));
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_is_not_idempotent_is_never_sent_again()
    {
        Reject(nameof(ICountingGrain.Once), _ => new SiloUnavailableException());
        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => Grain.Once("id"))).Code);
        Assert.Equal(0, Count(nameof(ICountingGrain.Once)));

        Fixture.Sent.Rejections.Clear();
        Fixture.Sent.LostAnswers[nameof(ICountingGrain.Once)] = _ => new TimeoutException();
        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => Grain.Once("id"))).Code);

        Assert.Equal(1, Count(nameof(ICountingGrain.Once)));
        Assert.Equal(2, Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.Once)).Count);
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_whose_lookup_Orleans_cancelled_fails_as_undelivered()
    {
        Reject(nameof(ICountingGrain.Once), _ => new OperationCanceledException());

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => Grain.Once("id"))).Code);
    }

    [Theory(Timeout = Hang)]
    [InlineData(ErrorCode.NotFound)]
    [InlineData(ErrorCode.Internal)]
    [InlineData(ErrorCode.CallRejected)]
    public async Task An_idempotent_call_that_its_grain_failed_is_not_sent_again(ErrorCode code)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.FailAgain(code.ToString()));

        Assert.Equal(code, error.Code);
        Assert.Equal(1, Count(nameof(ICountingGrain.FailAgain)));
    }

    [Fact(Timeout = Hang)]
    public async Task An_idempotent_call_is_given_up_after_fifteen_seconds()
    {
        Reject(nameof(ICountingGrain.Again), _ => new SiloUnavailableException());
        var call = Grain.Again("id");
        var start = Silo.Time.GetUtcNow();

        await Fixture.AdvanceUntil(Task.WhenAny(call), Step);

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => call)).Code);
        Assert.InRange(Silo.Time.GetUtcNow() - start, TimeSpan.FromSeconds(14), TimeSpan.FromSeconds(16));
        Assert.Equal(0, Count(nameof(ICountingGrain.Again)));
        // The pauses grow to a second: the silos that are left are not flooded.
        Assert.InRange(Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.Again)).Count, 15, 25);
    }

    [Fact(Timeout = Hang)]
    public async Task A_first_call_that_is_sent_again_has_lost_its_mark()
    {
        Fixture.Sent.LostAnswers[nameof(ICountingGrain.Again)] = attempt => attempt == 1 ? new TimeoutException() : null;

        Task<string> call;
        using (FirstCall.To(Key)) call = Grain.Again("id");
        await Fixture.AdvanceUntil(call, Step);

        Assert.Equal([true, false], Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.Again)).Select(attempt => attempt.IsFirstCall));
    }

    private void Reject(string method, Func<int, Exception?> rejection) => Fixture.Sent.Rejections[method] = rejection;
}
