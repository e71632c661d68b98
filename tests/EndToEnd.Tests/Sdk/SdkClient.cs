using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Images;
using OpenAI.Models;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>The official OpenAI client, unmodified, set up as its documentation says for another base URL.</summary>
internal static class SdkClient
{
    public static ChatClient Chat(this NodeFixture node, string model, string key = TestFleet.Key) => new(model, new ApiKeyCredential(key), Options(node));

    public static ImageClient Images(this NodeFixture node, string model) => new(model, new ApiKeyCredential(TestFleet.Key), Options(node));

    public static OpenAIModelClient ModelList(this NodeFixture node, string key = TestFleet.Key) => new(new ApiKeyCredential(key), Options(node));

    /// <summary>All text of a stream.</summary>
    public static async Task<string> TextAsync(this AsyncCollectionResult<StreamingChatCompletionUpdate> updates)
    {
        var text = "";
        await foreach (var update in updates.WithCancellation(Ask.Patience)) text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        return text;
    }

    // Retries are the client's own business; a test wants to see the first answer.
    private static OpenAIClientOptions Options(NodeFixture node) => new() { Endpoint = new Uri(node.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(0) };
}
