using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Conversations;

/// <summary>Conversations that clients name are continued at Coze, listed, read, renamed and deleted.</summary>
public sealed class ConversationTests(NodeFixture node)
{
    private readonly string _name = $"talk-{Guid.NewGuid():n}";

    [Fact]
    public async Task The_next_turn_continues_the_same_conversation_at_Coze()
    {
        var first = node.NewRequest("say=one");
        await first.InConversation(_name).StreamAsync();
        var second = node.NewRequest("say=two", first.Model).WithHeader("x-conversation-id", _name);
        var reply = await second.StreamAsync();

        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
        Assert.Equal(_name, reply.Header("x-conversation-id"));
        Assert.Equal(_name, reply.Extension.Text("conversation_id"));
    }

    [Fact]
    public async Task A_history_that_Coze_already_has_is_not_sent_again()
    {
        var first = node.NewRequest("say=one");
        await first.InConversation(_name).StreamAsync();
        var second = node.NewRequest("say=two", first.Model).InConversation(_name);
        second.Body["messages"] = new JsonArray(
            Message("user", first.Prompt), Message("assistant", "one"), Message("user", second.Prompt));
        await second.StreamAsync();

        Assert.Equal(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
    }

    [Fact]
    public async Task Instructions_are_sent_when_they_have_changed()
    {
        var requests = new List<ChatRequest>();
        foreach (var instructions in new[] { "Be brief.", "Be brief.", "Be long." })
        {
            var request = node.NewRequest("say=ok", requests.FirstOrDefault()?.Model).InConversation(_name);
            request.Body["messages"]!.AsArray().Insert(0, Message("system", instructions));
            await request.StreamAsync();
            requests.Add(request);
        }

        Assert.Equal(
            [$"Be brief.\n\n{requests[0].Prompt}", requests[1].Prompt, $"Be long.\n\n{requests[2].Prompt}"],
            requests.Select(request => Assert.Single(request.Chat.RequestMessages).Content));
    }

    [Fact]
    public async Task Turns_of_one_conversation_run_one_after_another()
    {
        var requests = new List<ChatRequest> { node.NewRequest("chunks=20 pace=10ms") };
        requests.AddRange(Enumerable.Range(0, 4).Select(_ => node.NewRequest("chunks=5 pace=5ms", requests[0].Model)));
        var replies = await Task.WhenAll(requests.Select(request => request.InConversation(_name).StreamAsync()));

        Assert.All(replies, reply => Assert.True(reply.IsDone));
        Assert.Single(requests.Select(request => request.Chat.ConversationId).Distinct());
        Assert.All(requests.Zip(replies), pair => Assert.Equal(Assert.Single(pair.First.Chat.Answers), pair.Second.Text));
    }

    [Fact]
    public async Task Too_many_waiting_turns_are_refused()
    {
        var first = node.NewRequest("chunks=100000 pace=20ms").InConversation(_name);
        await using var running = await first.OpenStreamAsync();
        await running.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        using var leave = new CancellationTokenSource();
        var turns = Enumerable.Range(0, 9)
            .Select(_ => node.NewRequest(model: first.Model).InConversation(_name).AsStream().SendAsync(leave.Token))
            .ToList();
        // Eight turns wait. The ninth gets an error.
        var refused = await ApiResponse.ReadAsync(await await Task.WhenAny(turns));

        Assert.Equal((429, "conversation_busy"), (refused.Status, refused.Error.Text("code")));
        Assert.NotNull(refused.Header("retry-after"));
        await leave.CancelAsync();
    }

    [Fact]
    public async Task A_conversation_is_listed_read_renamed_and_deleted()
    {
        var first = node.NewRequest("say=one").InConversation(_name);
        await first.StreamAsync();
        await node.NewRequest("say=two", first.Model).InConversation(_name).StreamAsync();
        var path = $"/cozecluster/v1/conversations/{_name}";

        var listed = await ListAsync(TestFleet.Key);
        Assert.Contains(_name, listed);
        Assert.DoesNotContain(_name, await ListAsync(TestFleet.OtherKey));

        var read = await node.Http.RequestJsonAsync(HttpMethod.Get, path);
        var turns = read.Json.GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(["one", "two"], turns.Select(turn => turn.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("content")));
        Assert.Equal(first.Prompt, turns[0].GetProperty("messages")[0].Text("content"));
        Assert.Equal(404, (await node.Http.RequestJsonAsync(HttpMethod.Get, path, TestFleet.OtherKey)).Status);

        var renamed = await node.Http.RequestJsonAsync(HttpMethod.Post, path, body: new JsonObject { ["title"] = "Numbers" });
        Assert.Equal("Numbers", renamed.Json.Text("title"));
        Assert.Equal("Numbers", (await node.Http.RequestJsonAsync(HttpMethod.Get, path)).Json.Text("title"));

        var deleted = await node.Http.RequestJsonAsync(HttpMethod.Delete, path);
        Assert.True(deleted.Json.GetProperty("deleted").GetBoolean());
        Assert.Equal(404, (await node.Http.RequestJsonAsync(HttpMethod.Get, path)).Status);
        Assert.DoesNotContain(_name, await ListAsync(TestFleet.Key));
    }

    [Fact]
    public async Task After_deletion_the_name_stands_for_a_new_conversation()
    {
        var first = node.NewRequest("say=one").InConversation(_name);
        await first.StreamAsync();
        await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{_name}");
        var second = node.NewRequest("say=two", first.Model).InConversation(_name);
        await second.StreamAsync();

        Assert.NotEqual(first.Chat.ConversationId, second.Chat.ConversationId);
    }

    [Fact]
    public async Task Deleting_a_conversation_cancels_its_running_turn()
    {
        var request = node.NewRequest("chunks=100000 pace=20ms").InConversation(_name);
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{_name}");
        var reply = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal("cancelled", reply.Error.Text("code"));
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone);
    }

    [Fact]
    public async Task Deleting_a_conversation_cancels_its_waiting_turns()
    {
        var request = node.NewRequest("chunks=100000 pace=20ms").InConversation(_name);
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var second = node.NewRequest(model: request.Model).InConversation(_name);
        var waiting = second.StreamErrorAsync();
        while ((await node.Http.GetTurnsAsync(_name)).Count < 2)
        {
        }
        await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{_name}");

        Assert.Equal("cancelled", (await waiting).Error.Text("code"));
        Assert.Equal("cancelled", (await open.ReadAllAsync(TestTimeout.Token)).Error.Text("code"));
        Assert.Empty(second.Chats);
    }

    [Fact]
    public async Task A_conversation_that_Coze_no_longer_knows_is_created_again_with_its_history()
    {
        var first = node.NewRequest("say=one").InConversation(_name);
        await first.StreamAsync();
        using var coze = new HttpClient { DefaultRequestHeaders = { { "Authorization", "Bearer pat_sandbox" } } };
        using var deleted = await coze.DeleteAsync($"{node.CozeUrl}/v1/conversations/{first.Chat.ConversationId}", TestTimeout.Token);
        deleted.EnsureSuccessStatusCode();

        var second = node.NewRequest("say=two", first.Model).InConversation(_name);
        var reply = await second.StreamAsync();
        Assert.Equal("two", reply.Text);
        Assert.NotEqual(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.Equal([first.Prompt, "one", second.Prompt], second.Chat.RequestMessages.Select(message => message.Content));
    }

    [Fact]
    public async Task Prompts_of_a_tenant_that_stores_no_conversations_are_not_returned()
    {
        var request = node.NewRequest("say=one").InConversation(_name);
        request.Key = TestFleet.ForgetfulKey;
        await request.StreamAsync();
        var turns = await node.Http.GetTurnsAsync(_name, TestFleet.ForgetfulKey);

        Assert.All(turns, turn => Assert.Empty(turn.GetProperty("messages").EnumerateArray()));
    }

    [Theory]
    [InlineData("chat with Ada / 报告 #7?")]
    [InlineData("..")]
    [InlineData("a%2Fb")]
    public async Task A_name_may_contain_any_character(string name)
    {
        name = $"{name} {_name}";
        var request = node.NewRequest("say=one").InConversation(name);
        await request.StreamAsync();
        var read = await node.Http.RequestJsonAsync(HttpMethod.Get, $"/cozecluster/v1/conversations/{Uri.EscapeDataString(name)}");

        Assert.Equal((200, name), (read.Status, read.Json.Text("id")));
    }

    [Fact]
    public async Task Conversations_of_two_tenants_with_the_same_name_are_separate()
    {
        var first = node.NewRequest("say=one").InConversation(_name);
        await first.StreamAsync();
        var second = node.NewRequest("say=two", first.Model).InConversation(_name);
        second.Key = TestFleet.OtherKey;
        await second.StreamAsync();

        Assert.NotEqual(first.Chat.ConversationId, second.Chat.ConversationId);
        Assert.NotEqual(first.Chat.UserId, second.Chat.UserId);
    }

    private async Task<List<string?>> ListAsync(string key)
    {
        var names = new List<string?>();
        for (var after = ""; ;)
        {
            var page = await node.Http.RequestJsonAsync(HttpMethod.Get, $"/cozecluster/v1/conversations?limit=100{after}", key);
            names.AddRange(page.Json.GetProperty("data").EnumerateArray().Select(conversation => conversation.Text("id")));
            if (!page.Json.GetProperty("has_more").GetBoolean()) return names;
            after = $"&after={Uri.EscapeDataString(page.Json.Text("last_id")!)}";
        }
    }

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
