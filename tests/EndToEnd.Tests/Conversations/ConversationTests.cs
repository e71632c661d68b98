using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Conversations;

/// <summary>Conversations that clients name: continued at Coze, listed, read, renamed, deleted.</summary>
public sealed class ConversationTests(NodeFixture node)
{
    private readonly string _name = $"talk-{Guid.NewGuid():n}";

    [Fact]
    public async Task The_next_turn_continues_the_same_conversation_at_Coze()
    {
        var first = node.Ask("say=one");
        await first.With(body => body["conversation_id"] = _name).StreamAsync();
        var second = node.Ask("say=two", first.Model).WithHeader("x-conversation-id", _name);
        var reply = await second.StreamAsync();

        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
        Assert.Equal(_name, reply.Header("x-conversation-id"));
        Assert.Equal(_name, reply.Extension.Text("conversation_id"));
    }

    [Fact]
    public async Task A_client_that_sends_its_whole_history_gets_it_told_once()
    {
        var first = node.Ask("say=one");
        await first.With(body => body["conversation_id"] = _name).StreamAsync();
        var second = node.Ask("say=two", first.Model).With(body => body["conversation_id"] = _name);
        second.Body["messages"] = new JsonArray(
            Message("user", first.Prompt), Message("assistant", "one"), Message("user", second.Prompt));
        await second.StreamAsync();

        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
    }

    [Fact]
    public async Task Instructions_are_sent_when_they_are_new()
    {
        var asks = new List<Ask>();
        foreach (var instructions in new[] { "Be brief.", "Be brief.", "Be long." })
        {
            var ask = node.Ask("say=ok", asks.FirstOrDefault()?.Model).With(body => body["conversation_id"] = _name);
            ask.Body["messages"]!.AsArray().Insert(0, Message("system", instructions));
            await ask.StreamAsync();
            asks.Add(ask);
        }

        Assert.Equal(
            [$"Be brief.\n\n{asks[0].Prompt}", asks[1].Prompt, $"Be long.\n\n{asks[2].Prompt}"], asks.Select(ask => Assert.Single(ask.Chat.RequestMessages).Content));
    }

    [Fact]
    public async Task Turns_of_one_conversation_run_one_after_another()
    {
        var asks = new List<Ask> { node.Ask("chunks=20 pace=10ms") };
        asks.AddRange(Enumerable.Range(0, 4).Select(_ => node.Ask("chunks=5 pace=5ms", asks[0].Model)));
        var replies = await Task.WhenAll(asks.Select(ask => ask.With(body => body["conversation_id"] = _name).StreamAsync()));

        Assert.All(replies, reply => Assert.True(reply.IsDone));
        Assert.Single(asks.Select(ask => ask.Chat.ConversationId).Distinct());
        Assert.All(asks.Zip(replies), pair => Assert.Equal(Assert.Single(pair.First.Chat.Answers), pair.Second.Text));
    }

    [Fact]
    public async Task Too_many_waiting_turns_are_refused()
    {
        var first = node.Ask("chunks=100000 pace=20ms").With(body => body["conversation_id"] = _name);
        await using var running = await first.OpenStreamAsync();
        await running.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        using var leave = new CancellationTokenSource();
        var turns = Enumerable.Range(0, 9)
            .Select(_ => node.Ask(model: first.Model).With(body => body["conversation_id"] = _name).AsStream().SendAsync(leave.Token))
            .ToList();
        // Eight wait; only the ninth is answered.
        var refused = await Answer.OfAsync(await await Task.WhenAny(turns));

        Assert.Equal((429, "conversation_busy"), (refused.Status, refused.Error.Text("code")));
        Assert.NotNull(refused.Header("retry-after"));
        await leave.CancelAsync();
    }

    [Fact]
    public async Task A_conversation_is_listed_read_renamed_and_deleted()
    {
        var first = node.Ask("say=one").With(body => body["conversation_id"] = _name);
        await first.StreamAsync();
        await node.Ask("say=two", first.Model).With(body => body["conversation_id"] = _name).StreamAsync();
        var path = $"/cozecluster/v1/conversations/{_name}";

        var listed = await ListAsync(TestFleet.Key);
        Assert.Contains(_name, listed);
        Assert.DoesNotContain(_name, await ListAsync(TestFleet.OtherKey));

        var read = await node.Http.AnswerAsync(HttpMethod.Get, path);
        var turns = read.Json.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(["one", "two"], turns.Select(turn => turn.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("content")));
        Assert.Equal(first.Prompt, turns[0].GetProperty("messages")[0].Text("content"));
        Assert.Equal(404, (await node.Http.AnswerAsync(HttpMethod.Get, path, TestFleet.OtherKey)).Status);

        var renamed = await node.Http.AnswerAsync(HttpMethod.Post, path, body: new JsonObject { ["title"] = "Numbers" });
        Assert.Equal("Numbers", renamed.Json.Text("title"));
        Assert.Equal("Numbers", (await node.Http.AnswerAsync(HttpMethod.Get, path)).Json.Text("title"));

        var deleted = await node.Http.AnswerAsync(HttpMethod.Delete, path);
        Assert.True(deleted.Json.GetProperty("deleted").GetBoolean());
        Assert.Equal(404, (await node.Http.AnswerAsync(HttpMethod.Get, path)).Status);
        Assert.DoesNotContain(_name, await ListAsync(TestFleet.Key));
    }

    [Fact]
    public async Task After_deletion_the_name_begins_anew()
    {
        var first = node.Ask("say=one").With(body => body["conversation_id"] = _name);
        await first.StreamAsync();
        await node.Http.AnswerAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{_name}");
        var second = node.Ask("say=two", first.Model).With(body => body["conversation_id"] = _name);
        await second.StreamAsync();

        Assert.NotEqual(first.Chat.ConversationId, second.Chat.ConversationId);
    }

    [Fact]
    public async Task Deleting_a_conversation_cancels_what_runs_in_it()
    {
        var ask = node.Ask("chunks=100000 pace=20ms").With(body => body["conversation_id"] = _name);
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        await node.Http.AnswerAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{_name}");
        var reply = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal("cancelled", reply.Error.Text("code"));
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone);
    }

    [Fact]
    public async Task Deleting_a_conversation_cancels_what_waits_in_it()
    {
        var ask = node.Ask("chunks=100000 pace=20ms").With(body => body["conversation_id"] = _name);
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var behind = node.Ask(model: ask.Model).With(body => body["conversation_id"] = _name);
        var waiting = behind.StreamInVainAsync();
        while ((await node.Http.AnswerAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{_name}")).Json.GetProperty("data").GetArrayLength() < 2)
        {
        }
        await node.Http.AnswerAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{_name}");

        Assert.Equal("cancelled", (await waiting).Error.Text("code"));
        Assert.Equal("cancelled", (await open.ReadAllAsync(Ask.Patience)).Error.Text("code"));
        Assert.Empty(behind.Chats);
    }

    [Fact]
    public async Task A_conversation_that_Coze_has_lost_begins_anew_there_with_its_history()
    {
        var first = node.Ask("say=one").With(body => body["conversation_id"] = _name);
        await first.StreamAsync();
        using var coze = new HttpClient { DefaultRequestHeaders = { { "Authorization", "Bearer pat_sandbox" } } };
        using var deleted = await coze.DeleteAsync($"{node.CozeUrl}/v1/conversations/{first.Chat.ConversationId}", Ask.Patience);
        deleted.EnsureSuccessStatusCode();

        var second = node.Ask("say=two", first.Model).With(body => body["conversation_id"] = _name);
        var reply = await second.StreamAsync();
        Assert.Equal("two", reply.Text);
        Assert.NotEqual(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([first.Prompt, "one", second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
    }

    [Fact]
    public async Task A_tenant_that_stores_nothing_finds_no_prompts()
    {
        var ask = node.Ask("say=one").With(body => body["conversation_id"] = _name);
        ask.Key = TestFleet.ForgetfulKey;
        await ask.StreamAsync();
        var read = await node.Http.AnswerAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{_name}", TestFleet.ForgetfulKey);

        Assert.All(read.Json.GetProperty("data").EnumerateArray(), turn => Assert.Empty(turn.GetProperty("messages").EnumerateArray()));
    }

    [Theory]
    [InlineData("chat with Ada / 报告 #7?")]
    [InlineData("..")]
    [InlineData("a%2Fb")]
    public async Task Any_name_will_do(string name)
    {
        name = $"{name} {_name}";
        var ask = node.Ask("say=one").With(body => body["conversation_id"] = name);
        await ask.StreamAsync();
        var read = await node.Http.AnswerAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{Uri.EscapeDataString(name)}");

        Assert.Equal((200, name), (read.Status, read.Json.Text("id")));
    }

    [Fact]
    public async Task Two_tenants_with_the_same_name_do_not_meet()
    {
        var mine = node.Ask("say=mine").With(body => body["conversation_id"] = _name);
        await mine.StreamAsync();
        var theirs = node.Ask("say=theirs", mine.Model).With(body => body["conversation_id"] = _name);
        theirs.Key = TestFleet.OtherKey;
        await theirs.StreamAsync();

        Assert.NotEqual(mine.Chat.ConversationId, theirs.Chat.ConversationId);
        Assert.NotEqual(mine.Chat.UserId, theirs.Chat.UserId);
    }

    private async Task<List<string?>> ListAsync(string key)
    {
        var names = new List<string?>();
        for (var after = ""; ;)
        {
            var page = await node.Http.AnswerAsync(HttpMethod.Get, $"/cozecluster/v1/conversations?limit=100{after}", key);
            names.AddRange(page.Json.GetProperty("data").EnumerateArray().Select(conversation => conversation.Text("id")));
            if (!page.Json.GetProperty("has_more").GetBoolean()) return names;
            after = $"&after={Uri.EscapeDataString(page.Json.Text("last_id")!)}";
        }
    }

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
