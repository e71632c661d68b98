using System.Net;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Nodes of a cluster die or are stopped under running replies: these go on, exactly, and Coze is asked once.</summary>
[Collection(nameof(SharedCluster))]
public sealed class LostNodeTests(RunningCluster cluster)
{
    private const int Streams = 8;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Replies_go_on_when_a_silo_is_killed(int silo)
    {
        var reading = await StartStreamsAsync("text=unicode chunks=120 chunk=3 pace=25ms");
        await cluster.Nodes.Silos[silo].KillAsync();

        await AllAreExactAsync(reading);
        await cluster.Nodes.StartSiloAsync(silo);
    }

    [Fact]
    public async Task Replies_go_on_when_a_silo_is_stopped()
    {
        var reading = await StartStreamsAsync("text=unicode chunks=120 chunk=3 pace=25ms");
        var stopping = cluster.Nodes.Silos[1].StopAsync(Ask.Patience);

        await AllAreExactAsync(reading);
        Assert.Equal(0, await stopping);
        await cluster.Nodes.StartSiloAsync(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Replies_come_when_a_silo_is_stopped_before_Coze_says_anything(int silo)
    {
        var asks = Enumerable.Range(1, Streams).Select(number => cluster.Ask($"first_byte=2s text=unicode chunks=20 seed={number}", gateway: number % 2)).ToList();
        var replies = asks.Select(ask => ask.StreamAsync()).ToList();
        foreach (var ask in asks) await ask.WaitForChatAsync(_ => true);
        Assert.Equal(0, await cluster.Nodes.Silos[silo].StopAsync(Ask.Patience));

        await AllAreExactAsync([.. asks.Zip(replies)]);
        await cluster.Nodes.StartSiloAsync(silo);
    }

    /// <summary>That they go on shows in the turns behind them, which begin when they have ended. A registry's reminder would wake them too, after a minute.</summary>
    [Fact]
    public async Task Turns_that_nobody_listens_to_go_on_when_their_silo_is_killed()
    {
        var behind = new List<Ask>();
        for (var number = 0; number < Streams; number++)
        {
            var conversation = $"alone-{number}";
            var ask = Surviving($"chunks=320 pace=25ms seed={number + 1}", number, conversation);
            await using var open = await ask.OpenStreamAsync();
            await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
            // With a key: else a client that leaves before it has an answer takes its turn with it.
            behind.Add(Surviving("chunks=3", number, conversation).WithHeader("Idempotency-Key", conversation));
            // Until it is waiting; then nobody listens to either.
            using var gone = new CancellationTokenSource();
            var waiting = behind[^1].AsStream().SendAsync(gone.Token);
            while ((await cluster.Http().AnswerAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{conversation}")).Json.GetProperty("data").GetArrayLength() < 2)
            {
            }
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }
        await cluster.Nodes.Silos[0].KillAsync();

        using var soon = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        soon.CancelAfter(TimeSpan.FromSeconds(40));
        try
        {
            await cluster.Coze.WaitForAsync(() => behind.TrueForAll(ask => ask.Chats.Count == 1), soon.Token);
        }
        finally
        {
            await cluster.Nodes.StartSiloAsync(0);
        }

        Ask Surviving(string directives, int number, string conversation) =>
            cluster.Ask(directives, gateway: number % 2).With(body => body["conversation_id"] = conversation).WithHeader("x-turn-survive", "true");
    }

    [Fact]
    public Task A_reply_goes_on_elsewhere_when_its_gateway_is_killed() => GoesOnElsewhereAsync("chunks=120 pace=25ms seed=5", gateway => gateway.KillAsync());

    /// <summary>Its time to drain is a second, and the reply takes longer.</summary>
    [Fact]
    public Task A_reply_goes_on_elsewhere_when_its_gateway_is_stopped() => GoesOnElsewhereAsync("chunks=240 pace=25ms seed=6", gateway => gateway.StopAsync(Ask.Patience));

    [Fact]
    public async Task A_gateway_is_not_ready_while_there_is_no_silo_and_serves_again_when_there_is()
    {
        var http = cluster.Http();
        foreach (var silo in cluster.Nodes.Silos) await silo.KillAsync();
        while ((await http.GetAsync("/health/ready", Ask.Patience)).StatusCode != HttpStatusCode.ServiceUnavailable)
        {
        }
        await Task.WhenAll(cluster.Nodes.StartSiloAsync(0), cluster.Nodes.StartSiloAsync(1));
        while ((await http.GetAsync("/health/ready", Ask.Patience)).StatusCode != HttpStatusCode.OK)
        {
        }

        var ask = cluster.Ask("chunks=5");
        var reply = await ask.StreamAsync();
        Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
    }

    private async Task GoesOnElsewhereAsync(string directives, Func<NodeProcess, Task> end)
    {
        var ask = cluster.Ask($"text=unicode chunk=3 {directives}", gateway: 1);
        StreamedReply first;
        await using (var open = await ask.OpenStreamAsync())
        {
            await open.UntilAsync(reply => reply.Text.Length > 20, Ask.Patience);
            await end(cluster.Nodes.Gateways[1]);
            try
            {
                await open.ReadAllAsync(Ask.Patience);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
            }
            first = open.Reply;
        }
        await using var follow = await cluster.Http(0).FollowAsync(first.TurnId, first.Cursor);
        var second = await follow.ReadAllAsync(Ask.Patience);

        Assert.False(first.IsDone);
        Assert.Equal(Assert.Single(ask.Chat.Answers), first.Text + second.Text);
        Assert.True(second.IsDone);
        await cluster.Nodes.StartGatewayAsync(1);
    }

    // Enough of them that each silo has some.
    private async Task<List<(Ask Ask, Task<StreamedReply> Reply)>> StartStreamsAsync(string directives)
    {
        var reading = new List<(Ask, Task<StreamedReply>)>();
        var begun = new List<Task>();
        for (var number = 0; number < Streams; number++)
        {
            var ask = cluster.Ask($"{directives} seed={number + 1}", gateway: number % 2);
            var hasBegun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            begun.Add(hasBegun.Task);
            reading.Add((ask, ReadAsync(ask, hasBegun)));
        }
        await Task.WhenAll(begun);
        return reading;

        static async Task<StreamedReply> ReadAsync(Ask ask, TaskCompletionSource hasBegun)
        {
            try
            {
                await using var open = await ask.OpenStreamAsync();
                await open.UntilAsync(reply => reply.Text.Length > 20, Ask.Patience);
                hasBegun.SetResult();
                return await open.ReadAllAsync(Ask.Patience);
            }
            catch (Exception e)
            {
                hasBegun.TrySetException(e);
                throw;
            }
        }
    }

    private static async Task AllAreExactAsync(List<(Ask Ask, Task<StreamedReply> Reply)> reading)
    {
        foreach (var (ask, reply) in reading)
        {
            var read = await reply;
            Assert.Equal(Assert.Single(ask.Chat.Answers), read.Text);
            Assert.True(read.IsDone);
        }
    }
}
