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
    public async Task A_rejected_idempotent_call_is_retried_until_it_succeeds()
    {
        Reject(nameof(ICountingGrain.CallIdempotent), attempt => attempt <= 3 ? new SiloUnavailableException() : null);

        var call = Grain.CallIdempotent("id");
        await Fixture.AdvanceUntil(call, Step);

        Assert.Equal("id", await call);
        Assert.Equal(1, Count(nameof(ICountingGrain.CallIdempotent)));
        Assert.Equal(4, Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.CallIdempotent)).Count);
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
    public async Task An_idempotent_call_whose_answer_is_lost_is_retried(Type type)
    {
        const BindingFlags constructors = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var loss = (Exception)Activator.CreateInstance(type, constructors, null, ["It has failed."], null)!;
        Fixture.Sent.LostAnswers[nameof(ICountingGrain.CallIdempotent)] = attempt => attempt == 1 ? loss : null;

        var call = Grain.CallIdempotent("id");
        await Fixture.AdvanceUntil(call, Step);

        Assert.Equal("id", await call);
        Assert.Equal(2, Count(nameof(ICountingGrain.CallIdempotent)));
    }

    [Fact(Timeout = Hang)]
    public async Task Another_call_is_never_retried()
    {
        Reject(nameof(ICountingGrain.Call), _ => new SiloUnavailableException());
        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => Grain.Call("id"))).Code);
        Assert.Equal(0, Count(nameof(ICountingGrain.Call)));

        Fixture.Sent.Rejections.Clear();
        Fixture.Sent.LostAnswers[nameof(ICountingGrain.Call)] = _ => new TimeoutException();
        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => Grain.Call("id"))).Code);

        Assert.Equal(1, Count(nameof(ICountingGrain.Call)));
        Assert.Equal(2, Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.Call)).Count);
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_Orleans_cancels_fails_as_undelivered()
    {
        Reject(nameof(ICountingGrain.Call), _ => new OperationCanceledException());

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => Grain.Call("id"))).Code);
    }

    [Theory(Timeout = Hang)]
    [InlineData(ErrorCode.NotFound)]
    [InlineData(ErrorCode.Internal)]
    [InlineData(ErrorCode.CallRejected)]
    public async Task An_idempotent_call_that_fails_in_its_grain_is_not_retried(ErrorCode code)
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => Grain.Fail(code.ToString()));

        Assert.Equal(code, error.Code);
        Assert.Equal(1, Count(nameof(ICountingGrain.Fail)));
    }

    [Fact(Timeout = Hang)]
    public async Task An_idempotent_call_is_retried_for_fifteen_seconds()
    {
        Reject(nameof(ICountingGrain.CallIdempotent), _ => new SiloUnavailableException());
        var call = Grain.CallIdempotent("id");
        var start = Silo.Time.GetUtcNow();

        await Fixture.AdvanceUntil(Task.WhenAny(call), Step);

        Assert.Equal(ErrorCode.CallRejected, (await Assert.ThrowsAsync<ClusterException>(() => call)).Code);
        Assert.InRange(Silo.Time.GetUtcNow() - start, TimeSpan.FromSeconds(14), TimeSpan.FromSeconds(16));
        Assert.Equal(0, Count(nameof(ICountingGrain.CallIdempotent)));
        // The pauses grow to a second, so that retries do not overload the other silos.
        Assert.InRange(Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.CallIdempotent)).Count, 15, 25);
    }

    [Fact(Timeout = Hang)]
    public async Task A_retry_of_a_first_call_is_not_marked()
    {
        Fixture.Sent.LostAnswers[nameof(ICountingGrain.CallIdempotent)] = attempt => attempt == 1 ? new TimeoutException() : null;

        Task<string> call;
        using (FirstCall.To(Key)) call = Grain.CallIdempotent("id");
        await Fixture.AdvanceUntil(call, Step);

        Assert.Equal([true, false], Fixture.Sent.Attempts(Grain, nameof(ICountingGrain.CallIdempotent)).Select(attempt => attempt.IsFirstCall));
    }

    private void Reject(string method, Func<int, Exception?> rejection) => Fixture.Sent.Rejections[method] = rejection;
}
