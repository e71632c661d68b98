using CozeCluster.TestKit;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Discord.Tests;

public sealed class RateLimitTests
{
    private const string Message = """{"id":"7","channel_id":"111"}""";

    [Fact]
    public async Task Request_waits_for_an_exhausted_bucket()
    {
        await using var rig = new RestRig(await RestServer.Start(
            RestServer.Limited(Message, 2, 1, "4.0"), RestServer.Limited(Message, 2, 0, "4.0"), RestServer.Limited(Message, 2, 1, "4.0")));
        await rig.Send("one");
        await rig.Send("two");

        Assert.Equal(rig.Time.GetUtcNow() + TimeSpan.FromSeconds(4.05), rig.Rest.CanSendAt(RestRig.Channel));
        var third = rig.Send("three");
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(4));
        await third;

        Assert.Equal(3, rig.Requests.Count);
        Assert.DoesNotContain(rig.Log.Lines, line => line.Contains("429", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Other_channels_do_not_wait()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Limited(Message, 1, 0, "4.0")));
        await rig.Send("one");
        var waiting = rig.Send("two");

        await rig.Send("elsewhere", channel: new Snowflake(222));

        Assert.False(waiting.IsCompleted);
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(4));
        await waiting;
    }

    [Fact]
    public async Task Messages_of_a_channel_arrive_in_order_in_spite_of_limits_and_429()
    {
        var count = 0;
        await using var rig = new RestRig(await RestServer.Start((context, request) => Interlocked.Increment(ref count) switch
        {
            3 => RestServer.TooMany("1.5")(context),
            5 => RestServer.Respond("", 502)(context),
            var n => RestServer.Limited(Message, 3, Math.Max(0, 3 - n % 4), "2.0")(context),
        }));

        var all = Task.WhenAll(Enumerable.Range(0, 12).Select(n => rig.Send($"{n}", maxWait: TimeSpan.FromMinutes(5))));
        await Until.Completed(all, rig.Time, TimeSpan.FromSeconds(10));

        var posted = rig.Requests.Select(request => request.Json["content"]!.GetValue<string>()).ToList();
        Assert.Equal(14, posted.Count);
        Assert.Equal(Enumerable.Range(0, 12).Select(n => $"{n}"), posted.Distinct());
        Assert.Equal("2", posted[3]);
    }

    [Fact]
    public async Task Requests_wait_after_a_429_for_the_time_in_its_body_and_only_in_its_bucket()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.TooMany("1.25"), RestServer.Respond(Message)));

        var sent = rig.Send("x");
        await Until.True(() => rig.Rest.CanSendAt(RestRig.Channel) > rig.Time.GetUtcNow());
        var elsewhere = await rig.Send("y", channel: new Snowflake(222));
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(1.3));
        await sent;

        Assert.Equal(["x", "y", "x"], rig.Requests.Select(request => request.Json["content"]!.GetValue<string>()));
        Assert.Equal(new Snowflake(7), elsewhere.Id);
        Assert.Equal(1, rig.Guard.Count);
    }

    [Fact]
    public async Task All_requests_wait_after_a_global_429()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.TooMany("2", "global"), RestServer.Respond(Message)));

        var first = rig.Send("x");
        await Until.True(() => rig.Rest.CanSendAt(new Snowflake(222)) > rig.Time.GetUtcNow());
        var second = rig.Rest.GetChannel(new Snowflake(333), rig.Timeout);
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(2));
        await Task.WhenAll(first, second);

        Assert.Equal(3, rig.Requests.Count);
    }

    [Fact]
    public async Task Shared_429_does_not_count_as_an_invalid_request()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.TooMany("0.5", "shared"), RestServer.Respond(Message)));

        var sent = rig.Send("x");
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(0.55));
        await sent;

        Assert.Equal(0, rig.Guard.Count);
    }

    [Fact]
    public async Task Wait_that_is_too_long_fails_at_once_and_says_until_when()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.TooMany("300", code: 20016)));

        var error = await rig.ExpectError(rig.Send("x"));
        var next = await rig.ExpectError(rig.Send("y"));

        Assert.Equal(ErrorCode.UpstreamRateLimited, error.Code);
        Assert.Equal(rig.Time.GetUtcNow() + TimeSpan.FromSeconds(300.05), error.Until);
        Assert.Contains("slow mode", error.Message, StringComparison.Ordinal);
        Assert.Equal(20016, DiscordErrorException.CodeOf(error));
        Assert.Equal((ErrorCode.UpstreamRateLimited, error.Until), (next.Code, next.Until));
        Assert.Single(rig.Requests);
    }

    [Fact]
    public async Task Request_whose_place_in_the_queue_is_too_late_fails_at_once()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Limited(Message, 1, 0, "10.0")));
        await rig.Send("first");
        var queue = Enumerable.Range(0, 3).Select(_ => rig.Send("x", maxWait: TimeSpan.FromSeconds(45))).ToList();

        var late = await rig.ExpectError(rig.Send("late", maxWait: TimeSpan.FromSeconds(25)));

        Assert.Equal(ErrorCode.UpstreamRateLimited, late.Code);
        Assert.Equal(TimeSpan.FromSeconds(40.05), late.Until - rig.Time.GetUtcNow());
        await Until.Completed(Task.WhenAll(queue), rig.Time, TimeSpan.FromSeconds(11));
    }

    [Fact]
    public async Task Slot_of_a_cancelled_request_goes_to_the_next()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Limited(Message, 1, 0, "10.0")));
        await rig.Send("first");
        using var cancel = new CancellationTokenSource();
        var cancelled = rig.Rest.CreateMessage(RestRig.Channel, new NewMessage { Content = "cancelled" }, null, cancel.Token);
        var next = rig.Send("next");

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(10));
        await next;

        Assert.Equal(["first", "next"], rig.Requests.Select(request => request.Json["content"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Routes_that_share_a_bucket_share_its_limit()
    {
        await using var rig = new RestRig(await RestServer.Start(
            RestServer.Limited(Message, 2, 1, "5.0", "same"),
            RestServer.Limited(Message, 2, 0, "5.0", "same"),
            RestServer.Limited(Message, 2, 1, "5.0", "same")));
        await rig.Rest.GetMessage(RestRig.Channel, new Snowflake(1), rig.Timeout);
        await rig.Rest.ModifyChannel(RestRig.Channel, new ChannelChange { Name = "x" }, rig.Timeout);

        var third = rig.Rest.ModifyChannel(RestRig.Channel, new ChannelChange { Name = "y" }, rig.Timeout);
        var fourth = rig.Rest.GetMessage(RestRig.Channel, new Snowflake(1), rig.Timeout);
        await Until.True(() => rig.Time.NextDue - rig.Time.GetUtcNow() < TimeSpan.FromSeconds(6));

        Assert.Equal(2, rig.Requests.Count);
        await Until.Completed(WhenAll(third, fourth), rig.Time, TimeSpan.FromSeconds(6));
    }

    [Fact]
    public async Task Unknown_bucket_is_tried_with_one_request_first()
    {
        var arrived = 0;
        var answer = new TaskCompletionSource();
        await using var rig = new RestRig(await RestServer.Start(async (HttpContext context, RestRequest _) =>
        {
            Interlocked.Increment(ref arrived);
            await answer.Task;
            await RestServer.Limited("[]", 10, 9 - arrived, "5.0")(context);
        }));

        var all = Task.WhenAll(Enumerable.Range(0, 5).Select(_ => rig.Rest.GetMessages(RestRig.Channel, cancellationToken: rig.Timeout)));
        await Until.True(() => Volatile.Read(ref arrived) == 1);
        Assert.Single(rig.Requests);
        answer.SetResult();
        await all;

        Assert.Equal(5, rig.Requests.Count);
    }

    [Fact]
    public async Task No_more_than_the_allowed_requests_are_sent_per_second()
    {
        await using var rig = new RestRig(await RestServer.Start(RestServer.Respond(Message)), o => o with { RequestsPerSecond = 3 });

        var all = Task.WhenAll(Enumerable.Range(1, 7).Select(n => rig.Send("x", channel: new Snowflake((ulong)n))));
        await Until.True(() => rig.Requests.Count == 3 && rig.Time.ArmedTimers == 4);
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(1.05));
        await Until.True(() => rig.Requests.Count == 6 && rig.Time.ArmedTimers == 1);
        await Until.WaitPassed(rig.Time, TimeSpan.FromSeconds(1.05));
        await all;

        Assert.Equal(7, rig.Requests.Count);
    }

    [Fact]
    public async Task Wait_with_a_fraction_of_a_millisecond_is_rounded_up()
    {
        var time = new ManualTime();
        var limit = new GlobalLimit(time, perSecond: 0);
        limit.Block(time.GetUtcNow() + TimeSpan.FromMilliseconds(1.5));
        var waiting = Task.Run(async () => await limit.Wait(DateTimeOffset.MaxValue, CancellationToken.None));

        await Until.WaitPassed(time, TimeSpan.FromMilliseconds(2));

        await waiting.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Ban_by_the_edge_servers_stops_all_requests_of_the_address()
    {
        await using var rig = new RestRig(await RestServer.Start(async context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "600";
            await context.Response.WriteAsync("error code: 1015");
        }));

        var error = await rig.ExpectError(rig.Send("x"));
        var other = await rig.ExpectError(rig.Rest.GetCurrentUser(rig.Timeout));

        Assert.Equal((ErrorCode.UpstreamRateLimited, ErrorCode.UpstreamRateLimited), (error.Code, other.Code));
        Assert.Equal(TimeSpan.FromSeconds(600.05), other.Until - rig.Time.GetUtcNow());
        Assert.Single(rig.Requests);
    }

    [Theory]
    [InlineData("""{"retry_after":600}""", "")]
    [InlineData("", "user")]
    public async Task Response_429_with_a_scope_or_a_time_is_not_a_ban(string body, string scope)
    {
        await using var rig = new RestRig(await RestServer.Start((context, request) => request.Method == "POST"
            ? RestServer.Respond(body, 429, ("Retry-After", "600"), ("X-RateLimit-Scope", scope))(context)
            : RestServer.Respond("""{"id":"1"}""")(context)));

        var error = await rig.ExpectError(rig.Send("x"));

        Assert.Equal(TimeSpan.FromSeconds(600.05), error.Until - rig.Time.GetUtcNow());
        Assert.Equal(new Snowflake(1), (await rig.Rest.GetCurrentUser(rig.Timeout)).Id);
    }

    [Fact]
    public async Task After_a_global_429_waiting_requests_keep_the_rate_limit()
    {
        var time = new ManualTime();
        var limit = new GlobalLimit(time, perSecond: 2);
        var deadline = time.GetUtcNow() + TimeSpan.FromMinutes(1);
        var all = Enumerable.Range(0, 8).Select(_ => limit.Wait(deadline, TestContext.Current.CancellationToken).AsTask()).ToList();
        limit.Block(time.GetUtcNow() + TimeSpan.FromSeconds(10));

        time.Advance(TimeSpan.FromSeconds(10));

        await Until.True(() => all.Count(task => task.IsCompleted) + time.ArmedTimers == all.Count && !(time.NextDue <= time.GetUtcNow()));
        Assert.Equal(4, all.Count(task => task.IsCompleted));
    }

    private static async Task<bool> WhenAll(params Task[] tasks)
    {
        await Task.WhenAll(tasks);
        return true;
    }
}
