using System.ClientModel;
using System.Text.Json.Nodes;
using CozeCluster.EndToEnd.Tests.Sdk;
using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.OpenAi;
using OpenAI.Embeddings;
using OpenAI.Moderations;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>A node with models for embeddings, for moderations, and for clients with keys of their own.</summary>
public sealed class OwnKeyNode : IAsyncLifetime
{
    private SandboxNode? _node;

    internal SandboxNode Node => _node!;

    internal FakeOpenAi Fake => Node.Sandbox.OpenAi;

    /// <summary>The data folder.</summary>
    internal string Folder { get; private set; } = "";

    internal EmbeddingClient Embeddings => new("vectors", new ApiKeyCredential(TestFleet.Key), SdkClient.Options(Node.Node.BaseUrl));

    internal ModerationClient Moderations => new("checks", new ApiKeyCredential(TestFleet.Key), SdkClient.Options(Node.Node.BaseUrl));

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync((sandbox, folder) =>
    {
        Folder = folder.Path;
        var openAi = new Uri(sandbox.BaseUrl, "openai/v1");
        var claude = new Uri(sandbox.BaseUrl, "claude");
        return new TestFleet()
            .AddOwnKeyModel("own", "openai", openAi, FakeOpenAi.Model).AddModel("own", "own").AddModel("own-chain", "own", "fallback: [sonnet]")
            .AddOwnKeyModel("own-claude", "claude", claude, "claude-sonnet-4-6").AddModel("own-claude", "own-claude")
            .AddOwnKeyModel("own-gemini", "gemini", new Uri(sandbox.BaseUrl, "gemini"), "gemini-2.5-flash").AddModel("own-gemini", "own-gemini")
            .AddLanguageModel("sonnet", "claude", claude, "claude-sonnet-4-6", FakeClaude.Key)
            .AddLanguageModel("gpt", "openai", openAi, FakeOpenAi.Model, FakeOpenAi.Token).AddModel("gpt", "gpt")
            .AddLanguageModel("vectors", "openai", openAi, FakeOpenAi.EmbeddingModel, FakeOpenAi.Token, "task: embeddings").AddModel("vectors", "vectors")
            .AddLanguageModel("checks", "openai", openAi, FakeOpenAi.ModerationModel, FakeOpenAi.Token, "task: moderations").AddModel("checks", "checks")
            .AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString();
    });

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A request with a key of its own; null: without.</summary>
    internal ChatRequest NewRequest(string? ownKey, string model = "own", string directives = "say=Hello")
    {
        var request = new ChatRequest(Node.Http, Node.Sandbox.Coze, model, directives);
        return ownKey is null ? request : request.WithHeader("x-upstream-authorization", ownKey);
    }

    internal async Task<ApiResponse> AskAsync(string route, JsonObject body) =>
        await Node.Http.RequestJsonAsync(HttpMethod.Post, $"/v1/{route}", body: body);
}
