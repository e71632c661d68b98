using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>Chats with the official .NET client.</summary>
public sealed class ChatTests(NodeFixture node)
{
    [Fact]
    public async Task A_complete_reply()
    {
        var request = node.NewRequest("chunks=10 usage=12/34");
        ChatCompletion completion = await node.Chat(request.Model).CompleteChatAsync([request.Prompt], cancellationToken: TestTimeout.Token);

        Assert.Equal(Assert.Single(request.Chat.Answers), Assert.Single(completion.Content).Text);
        Assert.Equal(ChatMessageRole.Assistant, completion.Role);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        Assert.Equal(request.Model, completion.Model);
        Assert.Equal((12, 34, 46), (completion.Usage.InputTokenCount, completion.Usage.OutputTokenCount, completion.Usage.TotalTokenCount));
        Assert.StartsWith("chatcmpl-", completion.Id, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_streamed_reply_with_usage()
    {
        var request = node.NewRequest("text=unicode chunks=50 seed=6 usage=12/34");
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in node.Chat(request.Model).CompleteChatStreamingAsync([request.Prompt], cancellationToken: TestTimeout.Token))
        {
            updates.Add(update);
        }

        Assert.Equal(Assert.Single(request.Chat.Answers), string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.Equal(ChatMessageRole.Assistant, updates[0].Role);
        Assert.Equal(ChatFinishReason.Stop, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        Assert.Equal(46, Assert.Single(updates, update => update.Usage is not null).Usage.TotalTokenCount);
        Assert.Single(updates.Select(update => update.CompletionId).Distinct());
    }

    [Fact]
    public async Task Text_arrives_while_Coze_produces_it()
    {
        var request = node.NewRequest("chunks=100000 pace=20ms");
        using var abort = new CancellationTokenSource();
        await foreach (var update in node.Chat(request.Model).CompleteChatStreamingAsync([request.Prompt], cancellationToken: abort.Token))
        {
            if (update.ContentUpdate.Count > 0 && update.ContentUpdate[0].Text.Length > 0) break;
        }

        Assert.False(request.Chat.Ended && !request.Chat.Canceled);
        await request.WaitForChatAsync(chat => chat.Canceled);
    }

    [Fact]
    public async Task Aborting_a_stream_cancels_the_chat()
    {
        var request = node.NewRequest("chunks=100000 pace=20ms");
        using var abort = new CancellationTokenSource();
        var text = "";
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in node.Chat(request.Model).CompleteChatStreamingAsync([request.Prompt], cancellationToken: abort.Token))
            {
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
                if (text.Length > 20) await abort.CancelAsync();
            }
        });

        var chat = await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
        Assert.True(chat.DeltasProduced < 100_000);
    }

    [Fact]
    public async Task Aborting_without_streaming_cancels_the_chat()
    {
        var request = node.NewRequest("chunks=100000 pace=20ms");
        using var abort = new CancellationTokenSource();
        var completion = node.Chat(request.Model).CompleteChatAsync([request.Prompt], cancellationToken: abort.Token);
        await request.WaitForChatAsync(chat => chat.DeltasSent > 2);
        await abort.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => completion);
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }

    [Fact]
    public async Task Twenty_streams_at_once_are_exact()
    {
        var model = node.NewModel();
        var requests = Enumerable.Range(1, 20).Select(seed => node.NewRequest($"text=unicode chunks=100 pace=2ms seed={seed}", model)).ToList();
        var texts = await Task.WhenAll(requests.Select(request => node.Chat(model).CompleteChatStreamingAsync([request.Prompt]).TextAsync()));

        Assert.Equal(requests.Select(request => Assert.Single(request.Chat.Answers)), texts);
        Assert.Equal(20, texts.Distinct().Count());
    }

    [Fact]
    public async Task A_conversation_with_its_history()
    {
        var request = node.NewRequest();
        await node.Chat(request.Model).CompleteChatAsync(SdkClient.History(request.Prompt), cancellationToken: TestTimeout.Token);

        Assert.Equal(
            [("user", "Be brief.\n\nWhat is the capital of France?"), ("assistant", "Paris."), ("user", request.Prompt)],
            request.Chat.RequestMessages.Select(message => (message.Role, message.Content)));
    }

    [Fact]
    public async Task Usual_options_are_accepted_and_metadata_is_sent_to_Coze()
    {
        var request = node.NewRequest("say=fine");
        var options = new ChatCompletionOptions { Temperature = 0.2f, MaxOutputTokenCount = 500, TopP = 0.9f, StopSequences = { "END" }, EndUserId = "ada" };
        options.Metadata["case"] = "42";
        ChatCompletion completion = await node.Chat(request.Model).CompleteChatAsync([request.Prompt], options, TestTimeout.Token);

        Assert.Equal("fine", completion.Content[0].Text);
        Assert.Equal("42", request.Chat.MetaData["case"]);
        Assert.Equal("main:ada", request.Chat.UserId);
    }
}
