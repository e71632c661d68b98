using System.ClientModel;
using CozeCluster.EndToEnd.Tests.Sdk;
using CozeCluster.Sandbox.Discord;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>Chats with bots on Discord with the official .NET client, in every channel mode. All channels are deleted afterwards.</summary>
[Collection(nameof(DiscordNode))]
public sealed class DiscordChatTests(DiscordFixture node)
{
    // A PNG of one pixel.
    private const string Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    public static TheoryData<string> Modes => [DiscordFleet.Fresh, DiscordFleet.Thread, DiscordFleet.Fixed];

    [Theory, MemberData(nameof(Modes))]
    public async Task A_complete_reply(string model)
    {
        var request = node.NewRequest(model);
        ChatCompletion completion = await Chat(model).CompleteChatAsync([new UserChatMessage(request.Prompt)], cancellationToken: TestTimeout.Token);

        Assert.Equal(await node.GetBotTextAsync(request), Assert.Single(completion.Content).Text);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        Assert.True(completion.Usage.InputTokenCount > 0 && completion.Usage.OutputTokenCount > 0, "The tokens were not estimated.");
        await node.WaitForCleanupAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task A_streamed_reply(string model)
    {
        var request = node.NewRequest(model, "chunks=20 pace=100ms");
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in Chat(model).CompleteChatStreamingAsync([new UserChatMessage(request.Prompt)], cancellationToken: TestTimeout.Token))
            updates.Add(update);

        Assert.Equal(await node.GetBotTextAsync(request), string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.True(updates.Count(update => update.ContentUpdate.Count > 0) > 5, "The reply did not arrive in deltas.");
        Assert.Equal(ChatFinishReason.Stop, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        await node.WaitForCleanupAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Twenty_streams_at_once_are_exact(string model)
    {
        var requests = Enumerable.Range(1, 20).Select(number => node.NewRequest(model, $"chunks=20 pace=10ms buttons={number % 3 + 1}")).ToList();
        var texts = await Task.WhenAll(requests.Select(request => Chat(model).CompleteChatStreamingAsync([new UserChatMessage(request.Prompt)]).TextAsync()));

        Assert.Equal(await Task.WhenAll(requests.Select(node.GetBotTextAsync)), texts);
        Assert.Equal(20, texts.Distinct().Count());
        Assert.Equal(0, node.Discord.Records.Count(DiscordRecordKind.DoubleSend));
        await node.WaitForCleanupAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task Images_in_the_prompt(string model)
    {
        var request = node.NewRequest(model, "full");
        var parts = new[]
        {
            ChatMessageContentPart.CreateTextPart(request.Prompt),
            ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(Convert.FromBase64String(Pixel)), "image/png"),
            ChatMessageContentPart.CreateImagePart(new Uri("https://images.example/cat.png")),
        };
        ChatCompletion completion = await Chat(model).CompleteChatAsync([new UserChatMessage(parts)], cancellationToken: TestTimeout.Token);

        Assert.Contains("https://images.example/cat.png", completion.Content[0].Text, StringComparison.Ordinal);
        Assert.Contains($".png, image/png, {Convert.FromBase64String(Pixel).Length} bytes]", completion.Content[0].Text, StringComparison.Ordinal);
        await node.WaitForCleanupAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task A_conversation_with_its_history(string model)
    {
        var request = node.NewRequest(model, "full");
        ChatCompletion completion = await Chat(model).CompleteChatAsync(SdkClient.History(request.Prompt), cancellationToken: TestTimeout.Token);

        Assert.Matches("(?s)Be brief\\..*What is the capital of France\\?.*Paris\\.", completion.Content[0].Text);
        await node.WaitForCleanupAsync();
    }

    private ChatClient Chat(string model) => new(model, new ApiKeyCredential(TestFleet.Key), SdkClient.Options(node.Url));
}
