using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>The official .NET client chats.</summary>
public sealed class ChatTests(NodeFixture node)
{
    [Fact]
    public async Task A_whole_reply()
    {
        var ask = node.Ask("chunks=10 usage=12/34");
        ChatCompletion completion = await node.Chat(ask.Model).CompleteChatAsync([new UserChatMessage(ask.Prompt)], cancellationToken: Ask.Patience);

        Assert.Equal(Assert.Single(ask.Chat.Answers), Assert.Single(completion.Content).Text);
        Assert.Equal(ChatMessageRole.Assistant, completion.Role);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        Assert.Equal(ask.Model, completion.Model);
        Assert.Equal((12, 34, 46), (completion.Usage.InputTokenCount, completion.Usage.OutputTokenCount, completion.Usage.TotalTokenCount));
        Assert.StartsWith("chatcmpl-", completion.Id, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_streamed_reply_with_usage()
    {
        var ask = node.Ask("text=unicode chunks=50 seed=6 usage=12/34");
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in node.Chat(ask.Model).CompleteChatStreamingAsync([new UserChatMessage(ask.Prompt)], cancellationToken: Ask.Patience))
        {
            updates.Add(update);
        }

        Assert.Equal(Assert.Single(ask.Chat.Answers), string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.Equal(ChatMessageRole.Assistant, updates[0].Role);
        Assert.Equal(ChatFinishReason.Stop, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        Assert.Equal(46, Assert.Single(updates, update => update.Usage is not null).Usage.TotalTokenCount);
        Assert.Single(updates.Select(update => update.CompletionId).Distinct());
    }

    [Fact]
    public async Task Text_comes_while_Coze_still_speaks()
    {
        var ask = node.Ask("chunks=100000 pace=20ms");
        using var abort = new CancellationTokenSource();
        await foreach (var update in node.Chat(ask.Model).CompleteChatStreamingAsync([new UserChatMessage(ask.Prompt)], cancellationToken: abort.Token))
        {
            if (update.ContentUpdate.Count > 0 && update.ContentUpdate[0].Text.Length > 0) break;
        }

        Assert.False(ask.Chat.Ended && !ask.Chat.Canceled);
        await ask.WaitForChatAsync(chat => chat.Canceled);
    }

    [Fact]
    public async Task Aborting_reaches_Coze()
    {
        var ask = node.Ask("chunks=100000 pace=20ms");
        using var abort = new CancellationTokenSource();
        var text = "";
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in node.Chat(ask.Model).CompleteChatStreamingAsync([new UserChatMessage(ask.Prompt)], cancellationToken: abort.Token))
            {
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
                if (text.Length > 20) await abort.CancelAsync();
            }
        });

        var chat = await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
        Assert.True(chat.DeltasProduced < 100_000);
    }

    [Fact]
    public async Task Aborting_a_whole_reply_reaches_Coze()
    {
        var ask = node.Ask("chunks=100000 pace=20ms");
        using var abort = new CancellationTokenSource();
        var asking = node.Chat(ask.Model).CompleteChatAsync([new UserChatMessage(ask.Prompt)], cancellationToken: abort.Token);
        await ask.WaitForChatAsync(chat => chat.DeltasSent > 2);
        await abort.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }

    [Fact]
    public async Task Twenty_streams_at_once_are_exact()
    {
        var model = node.PlainModel();
        var asks = Enumerable.Range(1, 20).Select(seed => node.Ask($"text=unicode chunks=100 pace=2ms seed={seed}", model)).ToList();
        var texts = await Task.WhenAll(asks.Select(ask => node.Chat(model).CompleteChatStreamingAsync([new UserChatMessage(ask.Prompt)]).TextAsync()));

        Assert.Equal(asks.Select(ask => Assert.Single(ask.Chat.Answers)), texts);
        Assert.Equal(20, texts.Distinct().Count());
    }

    [Fact]
    public async Task A_conversation_with_its_history()
    {
        var ask = node.Ask();
        await node.Chat(ask.Model).CompleteChatAsync(
            [
                new SystemChatMessage("Be brief."),
                new UserChatMessage("What is the capital of France?"),
                new AssistantChatMessage("Paris."),
                new UserChatMessage(ask.Prompt),
            ],
            cancellationToken: Ask.Patience);

        Assert.Equal(
            [("user", "Be brief.\n\nWhat is the capital of France?"), ("assistant", "Paris."), ("user", ask.Prompt)],
            ask.Chat.RequestMessages.Select(message => (message.Role, message.Content)));
    }

    [Fact]
    public async Task Usual_options_do_no_harm_and_metadata_reaches_Coze()
    {
        var ask = node.Ask("say=fine");
        var options = new ChatCompletionOptions { Temperature = 0.2f, MaxOutputTokenCount = 500, TopP = 0.9f, StopSequences = { "END" }, EndUserId = "ada" };
        options.Metadata["case"] = "42";
        ChatCompletion completion = await node.Chat(ask.Model).CompleteChatAsync([new UserChatMessage(ask.Prompt)], options, Ask.Patience);

        Assert.Equal("fine", completion.Content[0].Text);
        Assert.Equal("42", ask.Chat.MetaData["case"]);
        Assert.Equal("main:ada", ask.Chat.UserId);
    }
}
