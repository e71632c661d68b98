using System.ClientModel;
using CozeCluster.EndToEnd.Tests.Sdk;
using CozeCluster.Sandbox.Discord;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>The official .NET client chats with bots on Discord, in every channel mode; nothing is left there afterwards.</summary>
[Collection(nameof(DiscordNode))]
public sealed class DiscordChatTests(DiscordFixture node)
{
    // One pixel.
    private const string Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    public static TheoryData<string> Modes => [DiscordFleet.Fresh, DiscordFleet.Thread, DiscordFleet.Fixed];

    [Theory, MemberData(nameof(Modes))]
    public async Task A_whole_reply(string model)
    {
        var ask = node.Ask(model);
        ChatCompletion completion = await Chat(model).CompleteChatAsync([new UserChatMessage(ask.Prompt)], cancellationToken: Ask.Patience);

        Assert.Equal(await node.SaidAsync(ask), Assert.Single(completion.Content).Text);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        await node.NoneIsLeftAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task A_streamed_reply(string model)
    {
        var ask = node.Ask(model, "chunks=20 pace=100ms");
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in Chat(model).CompleteChatStreamingAsync([new UserChatMessage(ask.Prompt)], cancellationToken: Ask.Patience)) updates.Add(update);

        Assert.Equal(await node.SaidAsync(ask), string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.True(updates.Count(update => update.ContentUpdate.Count > 0) > 5, "The reply did not come bit by bit.");
        Assert.Equal(ChatFinishReason.Stop, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        await node.NoneIsLeftAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Twenty_streams_at_once_are_exact(string model)
    {
        var asks = Enumerable.Range(1, 20).Select(number => node.Ask(model, $"chunks=20 pace=10ms buttons={number % 3 + 1}")).ToList();
        var texts = await Task.WhenAll(asks.Select(ask => Chat(model).CompleteChatStreamingAsync([new UserChatMessage(ask.Prompt)]).TextAsync()));

        Assert.Equal(await Task.WhenAll(asks.Select(node.SaidAsync)), texts);
        Assert.Equal(20, texts.Distinct().Count());
        Assert.Equal(0, node.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        await node.NoneIsLeftAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Pictures_in_the_prompt(string model)
    {
        var ask = node.Ask(model, "full");
        var parts = new[]
        {
            ChatMessageContentPart.CreateTextPart(ask.Prompt),
            ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Convert.FromBase64String(Pixel)), "image/png"),
            ChatMessageContentPart.CreateImagePart(new Uri("https://images.example/cat.png")),
        };
        ChatCompletion completion = await Chat(model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: Ask.Patience);

        Assert.Contains("https://images.example/cat.png", completion.Content[0].Text, StringComparison.Ordinal);
        Assert.Contains($".png, image/png, {Convert.FromBase64String(Pixel).Length} bytes]", completion.Content[0].Text, StringComparison.Ordinal);
        await node.NoneIsLeftAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task A_conversation_with_its_history(string model)
    {
        var ask = node.Ask(model, "full");
        ChatCompletion completion = await Chat(model).CompleteChatAsync(
            [
                new SystemChatMessage("Be brief."),
                new UserChatMessage("What is the capital of France?"),
                new AssistantChatMessage("Paris."),
                new UserChatMessage(ask.Prompt),
            ],
            cancellationToken: Ask.Patience);

        Assert.Matches("(?s)Be brief\\..*What is the capital of France\\?.*Paris\\.", completion.Content[0].Text);
        await node.NoneIsLeftAsync();
    }

    // Retries are the client's own business; a test wants to see the first answer.
    private ChatClient Chat(string model) => new(
        model, new ApiKeyCredential(TestFleet.Key), new OpenAI.OpenAIClientOptions { Endpoint = new Uri(node.Url, "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
}
