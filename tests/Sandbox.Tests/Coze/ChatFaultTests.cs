using System.Net;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;
using CozeCluster.TestKit;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ChatFaultTests
{
    [Fact]
    public async Task EarlyError_OfAStream_IsJsonWithStatus200AndCreatesNoChat()
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.SendAsync(HttpMethod.Post, "v3/chat", CozeClient.Body("[[early_error=4011]]"));

        var json = JsonNode.Parse(await response.Content.ReadAsStringAsync(client.TimeoutToken))!;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(4011, (int)json["code"]!);
        Assert.NotEmpty((string)json["msg"]!);
        Assert.Equal(response.Headers.GetValues("x-tt-logid").Single(), (string?)json["detail"]!["logid"]);
        Assert.Empty(client.Coze.Chats);
        Assert.Equal(1, client.Coze.Refusals[4011]);
    }

    [Fact]
    public async Task EarlyError_WithHttp_HasThatStatusAndRetryAfter()
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.SendAsync(HttpMethod.Post, "v3/chat", CozeClient.Body("[[early_error=4020 http=429 retry_after=2s]]"));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter?.Delta);
        Assert.Contains("4020", await response.Content.ReadAsStringAsync(client.TimeoutToken));
    }

    [Fact]
    public async Task Http_WithoutErrorCode_IsAnHtmlPage()
    {
        await using var client = await CozeClient.StartAsync();

        using var response = await client.SendAsync(HttpMethod.Post, "v3/chat", CozeClient.Body("[[http=503]]"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Error_AfterThreeDeltas_EndsTheStreamWithoutDone()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[error=4008 error_after=3 chunks=10]]");

        Assert.Equal(3, events.Count(e => e.Name == CozeEvents.Delta));
        Assert.Equal(CozeEvents.Error, events[^1].Name);
        Assert.Equal(4008, (int)events[^1].Json["code"]!);
        var chat = client.Coze.Chats.Single();
        Assert.Equal(CozeChatStatus.Failed, chat.Status);
        Assert.Empty(await client.MessagesAsync(chat));
        var retrieved = await client.GetAsync($"v3/chat/retrieve?conversation_id={chat.ConversationId}&chat_id={chat.Id}");
        Assert.Equal(4008, (int)retrieved["data"]!["last_error"]!["code"]!);
        Assert.True((long?)retrieved["data"]!["failed_at"] > 0);
    }

    [Fact]
    public async Task Error_AfterMoreDeltasThanTheTextHas_IsSentAtTheEndOfTheText()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[error=5000 error_after=99 chunks=2]]");

        Assert.Equal(2, events.Count(e => e.Name == CozeEvents.Delta));
        Assert.Equal(CozeEvents.Error, events[^1].Name);
        Assert.Empty(events.Messages("answer"));
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("bare")]
    public async Task Failed_EndsWithAFailedChatAndDone(string form)
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync($"[[failed=4013 failed_after=1 failed_form={form} chunks=5]]");

        var failed = events.One(CozeEvents.Failed).Json;
        Assert.Equal(4013, (int)(form == "bare" ? failed["code"] : failed["last_error"]!["code"])!);
        Assert.Equal(CozeEvents.Done, events[^1].Name);
        Assert.Equal(CozeChatStatus.Failed, client.Coze.Chats.Single().Status);
    }

    [Fact]
    public async Task Disconnect_AfterFiveDeltas_AbortsTheConnectionAndTheChatCompletes()
    {
        await using var client = await CozeClient.StartAsync();
        await using var stream = await client.OpenAsync("[[disconnect_after=5 chunks=20]]");

        var deltas = 0;
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await stream.NextAsync() is { } next)
                if (next.Name == CozeEvents.Delta) deltas++;
        });
        var chat = await client.Coze.WaitForChatAsync(c => c.Ended, client.TimeoutToken);

        Assert.Equal(5, deltas);
        Assert.Equal(CozeChatStatus.Completed, chat.Status);
        Assert.False(chat.ClientGone);
        Assert.Equal(20, chat.DeltasProduced);
        Assert.Equal(chat.Answers.Single(), (string?)(await client.MessagesAsync(chat))[0]!["content"]);
    }

    [Fact]
    public async Task StallAfter_PausesForTheGivenTime()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });
        await using var stream = await client.OpenAsync("[[stall_after=2 stall=60s chunks=4]]");
        await client.Coze.WaitForChatAsync(c => c.DeltasSent == 2, client.TimeoutToken);

        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(2, client.Coze.Chats.Single().DeltasSent);
        time.Advance(TimeSpan.FromSeconds(1));
        await stream.ReadUntilAsync(CozeEvents.Done);

        Assert.Equal(4, client.Coze.Chats.Single().DeltasSent);
    }

    [Fact]
    public async Task FirstByte_DelaysTheHeadersAfterTheChatHasStarted()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });

        var opening = client.OpenAsync("[[first_byte=2s say=late]]");
        var chat = await client.Coze.WaitForChatAsync(c => c.IsProducing, client.TimeoutToken);
        Assert.False(opening.IsCompleted);
        Assert.Equal(0, chat.DeltasProduced);
        time.Advance(TimeSpan.FromSeconds(2));

        await using var stream = await opening;
        await stream.ReadUntilAsync(CozeEvents.Done);
    }

    [Fact]
    public async Task Think_SendsTheFirstEventsBeforeThePause()
    {
        var time = new ManualTime();
        await using var client = await CozeClient.StartAsync(new SandboxOptions { Time = time });

        await using var stream = await client.OpenAsync("[[think=2s say=late]]");
        await stream.ReadUntilAsync(CozeEvents.InProgress);
        Assert.Equal(0, client.Coze.Chats.Single().DeltasProduced);
        time.Advance(TimeSpan.FromSeconds(2));

        await stream.ReadUntilAsync(CozeEvents.Done);
    }
}
