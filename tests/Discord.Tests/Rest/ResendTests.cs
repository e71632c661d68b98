using Microsoft.AspNetCore.Http;

namespace CozeCluster.Discord.Tests;

public sealed class ResendTests
{
    private const string Message = """{"id":"7","channel_id":"111"}""";
    private const string Channel = """{"id":"8","type":0,"name":"x"}""";
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(11);

    [Fact]
    public async Task A_message_whose_answer_is_lost_is_sent_again_under_the_same_nonce_and_posted_once()
    {
        // As Discord does: the first one is posted, only its answer is lost.
        var posted = new List<string>();
        await using var rig = new RestRig(await RestServer.Start(async (HttpContext context, RestRequest request) =>
        {
            var nonce = request.Json["nonce"]!.GetValue<string>();
            var isNew = !posted.Contains(nonce);
            if (isNew) posted.Add(nonce);
            Assert.True(request.Json["enforce_nonce"]!.GetValue<bool>());
            await (isNew ? RestServer.Cut(context) : RestServer.Answer(Message)(context));
        }));

        var message = await Until.Done(rig.Send("x"), rig.Time, LongestPause);

        Assert.Equal(new Snowflake(7), message.Id);
        Assert.Equal(2, rig.Requests.Count);
        Assert.Single(posted);
    }

    [Fact]
    public async Task Every_call_has_a_nonce_of_its_own_unless_it_is_given_one()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Answer(Message)));

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
    public async Task Failures_of_Discord_are_tried_again_so_many_times(int status, string body, ErrorCode code)
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Answer(body, status)), o => o with { MaxRetries = 3 });

        var error = await rig.Fails(Until.Done(rig.Send("x"), rig.Time, LongestPause));

        Assert.Equal(code, error.Code);
        Assert.Equal(4, rig.Requests.Count);
        Assert.Single(rig.Requests.Select(request => request.Json["nonce"]!.GetValue<string>()).Distinct());
    }

    [Fact]
    public async Task A_message_of_which_no_answer_ever_comes_may_have_been_posted()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Cut), o => o with { MaxRetries = 2 });

        var error = await rig.Fails(Until.Done(rig.Send("x"), rig.Time, LongestPause));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
        Assert.Equal(3, rig.Requests.Count);
    }

    [Fact]
    public async Task After_a_lost_answer_a_limit_is_no_reason_to_send_it_elsewhere()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Cut, RestServer.TooMany("3000")));

        var error = await rig.Fails(Until.Done(rig.Send("x"), rig.Time, LongestPause));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
    }

    [Fact]
    public async Task After_a_lost_answer_it_is_not_sent_again_when_Discord_may_have_forgotten_the_nonce()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Cut, RestServer.TooMany("121")));

        var error = await rig.Fails(Until.Done(rig.Send("x", maxWait: TimeSpan.FromMinutes(10)), rig.Time, LongestPause));

        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, error.Code);
        Assert.Equal(2, rig.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_is_unavailable_and_nothing_was_posted()
    {
        await using var closed = await RestServer.Start(RestServer.Cut);
        var address = closed.BaseUrl;
        await closed.DisposeAsync();
        await using var rig = new RestRig(address, TimeProvider.System, o => o with { MaxRetries = 1 });

        var error = await rig.Fails(rig.Send("x"));

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
    }

    [Fact]
    public async Task A_channel_is_never_made_twice()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Cut, RestServer.Answer("", 502), RestServer.TooMany("1"), RestServer.Answer(Channel)));
        var create = () => rig.Rest.CreateChannel(new Snowflake(1), new NewChannel("x"), rig.Stop);

        var cut = await rig.Fails(create());
        var failed = await rig.Fails(create());
        var made = await Until.Done(create(), rig.Time, LongestPause);

        Assert.Equal((ErrorCode.UpstreamUnavailable, ErrorCode.UpstreamFailed), (cut.Code, failed.Code));
        Assert.Equal(new Snowflake(8), made.Id);
        Assert.Equal(4, rig.Requests.Count);
    }

    [Fact]
    public async Task An_answer_that_takes_too_long_counts_as_lost()
    {
        var count = 0;
        await using var rig = new RestRig(await RestServer.Start(async (HttpContext context, RestRequest _) =>
        {
            if (Interlocked.Increment(ref count) == 1) await Task.Delay(Timeout.Infinite, context.RequestAborted);
            else await RestServer.Answer(Message)(context);
        }), o => o with { AttemptTimeout = TimeSpan.FromSeconds(7) });

        var sent = rig.Send("x");
        await Until.True(() => rig.Requests.Count == 1);
        await Until.Waits(rig.Time, TimeSpan.FromSeconds(7));
        await Until.Done(sent, rig.Time, TimeSpan.FromSeconds(1));

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
