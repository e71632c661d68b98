using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Images;
using OpenAI.Models;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>The unmodified official OpenAI client, configured as its documentation describes for another base URL.</summary>
internal static class SdkClient
{
    public static ChatClient Chat(this NodeFixture node, string model, string key = TestFleet.Key) => new(model, new ApiKeyCredential(key), Options(node.Url));

    public static ImageClient Images(this NodeFixture node, string model) => new(model, new ApiKeyCredential(TestFleet.Key), Options(node.Url));

    public static OpenAIModelClient ModelList(this NodeFixture node, string key = TestFleet.Key) => new(new ApiKeyCredential(key), Options(node.Url));

    /// <summary>Reads a stream to its end, and returns its text.</summary>
    public static async Task<string> TextAsync(this AsyncCollectionResult<StreamingChatCompletionUpdate> updates)
    {
        var text = "";
        await foreach (var update in updates.WithCancellation(TestTimeout.Token)) text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        return text;
    }

    /// <summary>A prompt with instructions and an earlier prompt and reply.</summary>
    public static IEnumerable<OpenAI.Chat.ChatMessage> History(string prompt) =>
    [
        new SystemChatMessage("Be brief."),
        new UserChatMessage("What is the capital of France?"),
        new AssistantChatMessage("Paris."),
        new UserChatMessage(prompt),
    ];

    /// <summary>Options without retries, so that tests see the first response.</summary>
    public static OpenAIClientOptions Options(Uri node) => new() { Endpoint = new Uri(node, "/v1"), RetryPolicy = new ClientRetryPolicy(0) };
}
