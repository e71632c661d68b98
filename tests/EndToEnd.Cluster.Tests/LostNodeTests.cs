using System.Net;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Nodes of a cluster are killed or stopped while replies run. The replies continue exactly, and each prompt is sent to Coze once.</summary>
[Collection(nameof(SharedCluster))]
public sealed class LostNodeTests(RunningCluster cluster)
{
    private const int Streams = 8;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Replies_continue_when_a_silo_is_killed(int silo)
    {
        var reading = await StartStreamsAsync("text=unicode chunks=120 chunk=3 pace=25ms");
        await cluster.Nodes.Silos[silo].KillAsync();

        await AssertExactAsync(reading);
        await cluster.Nodes.StartSiloAsync(silo);
    }

    [Fact]
    public async Task Replies_continue_when_a_silo_is_stopped()
    {
        var reading = await StartStreamsAsync("text=unicode chunks=120 chunk=3 pace=25ms");
        var stopping = cluster.Nodes.Silos[1].StopAsync(TestTimeout.Token);

        await AssertExactAsync(reading);
        Assert.Equal(0, await stopping);
        await cluster.Nodes.StartSiloAsync(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Replies_arrive_when_a_silo_is_stopped_before_Coze_has_sent_anything(int silo)
    {
        var requests = Enumerable.Range(1, Streams)
            .Select(number => cluster.NewRequest($"first_byte=2s text=unicode chunks=20 seed={number}", gateway: number % 2))
            .ToList();
        var replies = requests.Select(request => request.StreamAsync()).ToList();
        foreach (var request in requests) await request.WaitForChatAsync(_ => true);
        Assert.Equal(0, await cluster.Nodes.Silos[silo].StopAsync(TestTimeout.Token));

        await AssertExactAsync([.. requests.Zip(replies)]);
        await cluster.Nodes.StartSiloAsync(silo);
    }

    /// <summary>
    /// Turns without a subscriber. In each conversation, a second turn waits. It begins when the first has ended, which shows that the first continued. It must
    /// begin within 40 s, because a reminder would resume the turns after a minute.
    /// </summary>
    [Fact]
    public async Task Turns_without_a_subscriber_continue_when_their_silo_is_killed()
    {
        var waitingTurns = new List<ChatRequest>();
        for (var number = 0; number < Streams; number++)
        {
            var conversation = $"alone-{number}";
            var request = NewSurvivingRequest($"chunks=320 pace=25ms seed={number + 1}", number, conversation);
            await using var open = await request.OpenStreamAsync();
            await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
            // With an idempotency key, because otherwise the turn is cancelled when its client leaves before the response has begun.
            waitingTurns.Add(NewSurvivingRequest("chunks=3", number, conversation).WithHeader("Idempotency-Key", conversation));
            // When the turn waits, its client leaves. Then both turns have no subscriber.
            using var leave = new CancellationTokenSource();
            var response = waitingTurns[^1].AsStream().SendAsync(leave.Token);
            while ((await cluster.Http().GetTurnsAsync(conversation)).Count < 2)
            {
            }
            await leave.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => response);
        }
        await cluster.Nodes.Silos[0].KillAsync();

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(40));
        try
        {
            await cluster.Coze.WaitForAsync(() => waitingTurns.TrueForAll(request => request.Chats.Count == 1), timeout.Token);
        }
        finally
        {
            await cluster.Nodes.StartSiloAsync(0);
        }

        ChatRequest NewSurvivingRequest(string directives, int number, string conversation) =>
            cluster.NewRequest(directives, gateway: number % 2).InConversation(conversation).WithHeader("x-turn-survive", "true");
    }

    [Fact]
    public Task A_reply_continues_on_another_gateway_when_its_gateway_is_killed() =>
        AssertContinuesOnOtherGatewayAsync("chunks=120 pace=25ms seed=5", gateway => gateway.KillAsync());

    /// <summary>The drain time is one second, and the reply takes longer.</summary>
    [Fact]
    public Task A_reply_continues_on_another_gateway_when_its_gateway_is_stopped() =>
        AssertContinuesOnOtherGatewayAsync("chunks=240 pace=25ms seed=6", gateway => gateway.StopAsync(TestTimeout.Token));

    [Fact]
    public async Task A_gateway_is_not_ready_without_silos_and_serves_again_when_they_are_back()
    {
        var http = cluster.Http();
        foreach (var silo in cluster.Nodes.Silos) await silo.KillAsync();
        while ((await http.GetAsync("/health/ready", TestTimeout.Token)).StatusCode != HttpStatusCode.ServiceUnavailable)
        {
        }
        await Task.WhenAll(cluster.Nodes.StartSiloAsync(0), cluster.Nodes.StartSiloAsync(1));
        while ((await http.GetAsync("/health/ready", TestTimeout.Token)).StatusCode != HttpStatusCode.OK)
        {
        }

        var request = cluster.NewRequest("chunks=5");
        var reply = await request.StreamAsync();
        Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text);
    }

    private async Task AssertContinuesOnOtherGatewayAsync(string directives, Func<NodeProcess, Task> end)
    {
        var request = cluster.NewRequest($"text=unicode chunk=3 {directives}", gateway: 1);
        StreamedReply first;
        await using (var open = await request.OpenStreamAsync())
        {
            await open.ReadUntilAsync(reply => reply.Text.Length > 20, TestTimeout.Token);
            await end(cluster.Nodes.Gateways[1]);
            try
            {
                await open.ReadAllAsync(TestTimeout.Token);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
            }
            first = open.Reply;
        }
        await using var follow = await cluster.Http(0).FollowAsync(first.TurnId, first.Cursor);
        var second = await follow.ReadAllAsync(TestTimeout.Token);

        Assert.False(first.IsDone);
        Assert.Equal(Assert.Single(request.Chat.Answers), first.Text + second.Text);
        Assert.True(second.IsDone);
        await cluster.Nodes.StartGatewayAsync(1);
    }

    // Several streams, so that each silo has some of them.
    private async Task<List<(ChatRequest ChatRequest, Task<StreamedReply> Reply)>> StartStreamsAsync(string directives)
    {
        var reading = new List<(ChatRequest, Task<StreamedReply>)>();
        var begun = new List<Task>();
        for (var number = 0; number < Streams; number++)
        {
            var request = cluster.NewRequest($"{directives} seed={number + 1}", gateway: number % 2);
            var hasBegun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            begun.Add(hasBegun.Task);
            reading.Add((request, ReadAsync(request, hasBegun)));
        }
        await Task.WhenAll(begun);
        return reading;

        static async Task<StreamedReply> ReadAsync(ChatRequest request, TaskCompletionSource hasBegun)
        {
            try
            {
                await using var open = await request.OpenStreamAsync();
                await open.ReadUntilAsync(reply => reply.Text.Length > 20, TestTimeout.Token);
                hasBegun.SetResult();
                return await open.ReadAllAsync(TestTimeout.Token);
            }
            catch (Exception e)
            {
                hasBegun.TrySetException(e);
                throw;
            }
        }
    }

    private static async Task AssertExactAsync(List<(ChatRequest ChatRequest, Task<StreamedReply> Reply)> reading)
    {
        foreach (var (request, reply) in reading)
        {
            var read = await reply;
            Assert.Equal(Assert.Single(request.Chat.Answers), read.Text);
            Assert.True(read.IsDone);
        }
    }
}
