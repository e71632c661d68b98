using Microsoft.AspNetCore.Http;

namespace CozeCluster.Discord.Tests;

public sealed class ResendTests
{
    private const string Message = """{"id":"7","channel_id":"111"}""";
    private const string Channel = """{"id":"8","type":0,"name":"x"}""";
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(11);

    [Fact]
    public async Task Message_whose_response_is_lost_is_sent_again_with_the_same_nonce_and_posted_once()
    {
        // As Discord does: the first request is posted, only its response is lost.
        var posted = new List<string>();
        await using var rig = new RestRig(await RestServer.Start(async (HttpContext context, RestRequest request) =>
        {
            var nonce = request.Json["nonce"]!.GetValue<string>();
            var isNew = !posted.Contains(nonce);
            if (isNew) posted.Add(nonce);
            Assert.True(request.Json["enforce_nonce"]!.GetValue<bool>());
            await (isNew ? RestServer.Abort(context) : RestServer.Respond(Message)(context));
        }));

        var message = await Until.Completed(rig.Send("x"), rig.Time, LongestPause);

        Assert.Equal(new Snowflake(7), message.Id);
        Assert.Equal(2, rig.Requests.Count);
        Assert.Single(posted);
    }

    [Fact]
    public async Task Every_message_has_its_own_nonce_unless_the_caller_sets_one()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond(Message)));

        await rig.Send("x");
        await rig.Send("x");
        await rig.Send("x", nonce: "turn-1/0");

        var nonces = rig.Requests.Select(request => request.Json["nonce"]!.GetValue<string>()).ToList();
        Assert.Equal(3, nonces.Distinct().Count());
        Assert.Equal("turn-1/0", nonces[2]);
        Assert.All(nonces, nonce => Assert.InRange(nonce.Length, 1, 25));
    }

    [Theory]
    [InlineData(500, "", ErrorCode.UpstreamFailed)]
    [InlineData(502, "<html>", ErrorCode.UpstreamFailed)]
    [InlineData(503, """{"code":130000,"message":"overloaded"}""", ErrorCode.UpstreamFailed)]
    [InlineData(504, "", ErrorCode.UpstreamTimeout)]
    public async Task Failures_of_Discord_are_retried_a_limited_number_of_times(int status, string body, ErrorCode code)
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond(body, status)), o => o with { MaxRetries = 3 });

        var error = await rig.ExpectError(Until.Completed(rig.Send("x"), rig.Time, LongestPause));

        Assert.Equal(code, error.Code);
        Assert.Equal(4, rig.Requests.Count);
        Assert.Single(rig.Requests.Select(request => request.Json["nonce"]!.GetValue<string>()).Distinct());
    }

    [Fact]
    public async Task Message_without_any_response_may_have_been_posted()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Abort), o => o with { MaxRetries = 2 });

        var error = await rig.ExpectError(Until.Completed(rig.Send("x"), rig.Time, LongestPause));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
        Assert.Equal(3, rig.Requests.Count);
    }

    [Fact]
    public async Task Rate_limit_after_a_lost_response_is_an_unknown_outcome()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Abort, RestServer.TooMany("3000")));

        var error = await rig.ExpectError(Until.Completed(rig.Send("x"), rig.Time, LongestPause));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
    }

    [Fact]
    public async Task Message_is_not_sent_again_when_Discord_may_no_longer_know_its_nonce()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Abort, RestServer.TooMany("121")));

        var error = await rig.ExpectError(Until.Completed(rig.Send("x", maxWait: TimeSpan.FromMinutes(10)), rig.Time, LongestPause));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
        Assert.Equal(2, rig.Requests.Count);
    }

    [Fact]
    public async Task Unreachable_server_is_unavailable()
    {
        await using var closed = await RestServer.Start(RestServer.Abort);
        var address = closed.BaseUrl;
        await closed.DisposeAsync();
        await using var rig = new RestRig(address, TimeProvider.System, o => o with { MaxRetries = 1 });

        var error = await rig.ExpectError(rig.Send("x"));

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
    }

    [Fact]
    public async Task Channel_is_never_created_twice()
    {
        await using var rig = new RestRig(
            await RestServer.Start(RestServer.Abort, RestServer.Respond("", 502), RestServer.TooMany("1"), RestServer.Respond(Channel)));
        var create = () => rig.Rest.CreateChannel(new Snowflake(1), new NewChannel("x"), rig.Timeout);

        var lost = await rig.ExpectError(create());
        var failed = await rig.ExpectError(create());
        var created = await Until.Completed(create(), rig.Time, LongestPause);

        Assert.Equal((ErrorCode.UpstreamUnavailable, ErrorCode.UpstreamFailed), (lost.Code, failed.Code));
        Assert.Equal(new Snowflake(8), created.Id);
        Assert.Equal(4, rig.Requests.Count);
    }

    [Fact]
    public async Task Response_that_takes_too_long_counts_as_lost()
    {
        var count = 0;
        await using var rig = new RestRig(await RestServer.Start(async (HttpContext context, RestRequest _) =>
        {
            if (Interlocked.Increment(ref count) == 1) await Task.Delay(Timeout.Infinite, context.RequestAborted);
            else await RestServer.Respond(Message)(context);
        }), o => o with { AttemptTimeout = TimeSpan.FromSeconds(7) });

        var sent = rig.Send("x");
        await Until.True(() => rig.Requests.Count == 1);
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(7));
        await Until.Completed(sent, rig.Time, TimeSpan.FromSeconds(1));

        Assert.Equal(2, rig.Requests.Count);
    }

    [Fact]
    public async Task Cancelling_ends_the_wait()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.TooMany("5")));
        using var cancel = new CancellationTokenSource();
        var sent = rig.Rest.CreateMessage(RestRig.Channel, new NewMessage { Content = "x" }, null, cancel.Token);
        await Until.True(() => rig.Time.NextDue - rig.Time.GetUtcNow() < TimeSpan.FromSeconds(6));

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        Assert.Single(rig.Requests);
    }
}
