using System.ClientModel;
using System.Text.Json;
using CozeCluster.EndToEnd.Tests.Sdk;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.OpenAi;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.LanguageModels;

/// <summary>A node with language models, alone and behind failing bots.</summary>
public sealed class ModelNode : IAsyncLifetime
{
    /// <summary>A model with only a language model.</summary>
    public const string OpenAi = "openai";

    /// <summary>A Coze bot, and a language model in the same pool.</summary>
    public const string Mixed = "mixed";

    /// <summary>A Coze bot that is not published, then an account without credit, then a language model that works.</summary>
    public const string Chain = "chain";

    /// <summary>A Coze bot, then a language model.</summary>
    public const string Spare = "spare";

    /// <summary>A language model that is sent the reasoning of earlier answers.</summary>
    public const string Thinking = "thinking";

    private SandboxNode? _node;

    internal SandboxNode Node => _node!;

    internal FakeOpenAi Fake => Node.Sandbox.OpenAi;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(static (sandbox, _) => CreateFleet(sandbox).ToString());

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>The official client.</summary>
    internal ChatClient Chat(string model = OpenAi) => new(model, new ApiKeyCredential(TestFleet.Key), SdkClient.Options(Node.Node.BaseUrl));

    /// <summary>A prompt with a unique mark.</summary>
    internal ChatRequest NewRequest(string directives = "", string model = OpenAi) => new(Node.Http, Node.Sandbox.Coze, model, directives);

    /// <summary>The only completion whose last prompt has the mark of a request.</summary>
    internal OpenAiCompletion CompletionOf(ChatRequest request) => Assert.Single(CompletionsOf(request));

    internal IEnumerable<OpenAiCompletion> CompletionsOf(ChatRequest request) =>
        Fake.Completions.Where(completion => completion.Body.Contains(request.Prompt.Split(' ')[0], StringComparison.Ordinal));

    /// <summary>The body of the newest completion of a request.</summary>
    internal JsonElement BodyOf(ChatRequest request) => JsonDocument.Parse(CompletionsOf(request).Last().Body).RootElement;

    private static TestFleet CreateFleet(SandboxServer sandbox)
    {
        var coze = new Uri(sandbox.BaseUrl, "coze");
        var openAi = new Uri(sandbox.BaseUrl, "openai/v1");
        return new TestFleet()
            .AddLanguageModel("gpt", "openai", openAi, FakeOpenAi.Model, FakeOpenAi.Token)
            .AddLanguageModel("gpt-poor", "openai", openAi, FakeOpenAi.Model, FakeOpenAi.TokenWithoutCredit)
            .AddLanguageModel("gpt-unknown", "openai", openAi, "gpt-of-tomorrow", FakeOpenAi.Token)
            .AddLanguageModel("gpt-down", "openai", new Uri("http://127.0.0.1:1/v1"), FakeOpenAi.Model, FakeOpenAi.Token)
            .AddLanguageModel("gpt-thinking", "openai", openAi, FakeOpenAi.Model, FakeOpenAi.Token, "options: { send_reasoning: \"true\" }")
            .AddModel(Thinking, "gpt-thinking")
            .AddModel(OpenAi, "gpt").AddModel("poor", "gpt-poor").AddModel("unknown", "gpt-unknown").AddModel("down", "gpt-down")
            .AddAccount("coze", coze, "pat_sandbox")
            .AddBot("coze-one", Bots.One, "coze").AddBot("coze-draft", Bots.Unpublished, "coze")
            .AddModel(Mixed, "coze-one, gpt")
            .AddModel(Chain, "coze-draft", "fallback: [gpt-poor, gpt]")
            .AddModel(Spare, "coze-one", "fallback: [gpt]").AddModel("coze-only", "coze-one");
    }
}
