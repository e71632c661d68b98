using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>A node with one model: a Coze bot that is not published, then Claude, then OpenAI.</summary>
internal sealed class ChainNode : IAsyncDisposable
{
    private readonly SandboxNode _node;

    private ChainNode(SandboxNode node, string folder) => (_node, Folder) = (node, folder);

    /// <summary>The folder with the data folder.</summary>
    public string Folder { get; }

    public INode Node => _node.Node;

    public HttpClient Http => _node.Http;

    public FakeClaude Claude => _node.Sandbox.Claude;

    public FakeOpenAi OpenAi => _node.Sandbox.OpenAi;

    public static async Task<ChainNode> StartAsync()
    {
        var path = "";
        var node = await SandboxNode.StartAsync((sandbox, folder) =>
        {
            path = folder.Path;
            return new TestFleet()
                .AddAccount("coze", new Uri(sandbox.BaseUrl, "coze"), "pat_sandbox").AddBot("draft", Bots.Unpublished, "coze")
                .AddLanguageModel("claude", "claude", new Uri(sandbox.BaseUrl, "claude"), "claude-sonnet-4-6", FakeClaude.Key)
                .AddLanguageModel("gpt", "openai", new Uri(sandbox.BaseUrl, "openai/v1"), FakeOpenAi.Model, FakeOpenAi.Token)
                .AddModel("chain", "draft", "fallback: [claude, gpt]").ToString();
        });
        return new ChainNode(node, path);
    }

    /// <summary>A prompt that Claude and OpenAI can follow.</summary>
    public ChatRequest NewRequest() => new(Http, _node.Sandbox.Coze, "chain", "text=unicode chunks=30 seed=3");

    public ValueTask DisposeAsync() => _node.DisposeAsync();
}
