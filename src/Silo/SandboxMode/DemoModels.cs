using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>The part of the demo fleet that uses the fakes of language models.</summary>
internal static class DemoModels
{
    private const string OpenAiBot = "sandbox-openai";
    private const string ResponsesBot = "sandbox-responses";
    private const string OwnKeyBot = "sandbox-own-key";
    private const string EmbeddingsBot = "sandbox-embeddings";
    private const string ModerationsBot = "sandbox-moderations";
    private const string ClaudeBot = "sandbox-claude";
    private const string GeminiBot = "sandbox-gemini";

    public static IReadOnlyList<(string Model, string Description)> Models { get; } =
    [
        ("openai-sandbox", "a language model behind OpenAI's API, with tools and JSON"),
        ("responses-sandbox", "the same behind OpenAI's Responses API, with replies that survive their node"),
        ("claude-sandbox", "a language model behind Anthropic's API"),
        ("gemini-sandbox", "a language model behind Google's API"),
        ("openai-own-key", "the same with your own key: x-upstream-authorization: openai KEY"),
        ("embeddings-sandbox", "embeddings of OpenAI's API"),
        ("moderations-sandbox", "moderations of OpenAI's API"),
        ("fallback-sandbox", "a Coze bot that is not published, then Claude, then OpenAI"),
    ];

    public static IReadOnlyList<BotDefinition> Bots { get; } =
    [
        new() { Id = OpenAiBot, Upstream = UpstreamNames.OpenAi, UpstreamBotId = FakeOpenAi.Model, Accounts = [OpenAiBot] },
        new()
        {
            Id = ResponsesBot, Upstream = UpstreamNames.OpenAi, UpstreamBotId = FakeOpenAi.Model, Accounts = [ResponsesBot],
            Options = new Dictionary<string, string> { ["api"] = "responses", ["background"] = "true" },
        },
        new() { Id = OwnKeyBot, Upstream = UpstreamNames.OpenAi, UpstreamBotId = FakeOpenAi.Model, Accounts = [OwnKeyBot] },
        OpenAi(EmbeddingsBot, FakeOpenAi.EmbeddingModel, ModelTask.Embeddings),
        OpenAi(ModerationsBot, FakeOpenAi.ModerationModel, ModelTask.Moderations),
        new() { Id = ClaudeBot, Upstream = UpstreamNames.Claude, UpstreamBotId = "claude-sonnet-4-6", Accounts = [ClaudeBot] },
        new() { Id = GeminiBot, Upstream = UpstreamNames.Gemini, UpstreamBotId = "gemini-2.5-flash", Accounts = [GeminiBot] },
    ];

    public static IReadOnlyList<ModelDefinition> Pools { get; } =
    [
        new() { Id = "openai-sandbox", Bots = [OpenAiBot] },
        new() { Id = "responses-sandbox", Bots = [ResponsesBot] },
        new() { Id = "openai-own-key", Bots = [OwnKeyBot] },
        new() { Id = "embeddings-sandbox", Bots = [EmbeddingsBot] },
        new() { Id = "moderations-sandbox", Bots = [ModerationsBot] },
        new() { Id = "claude-sandbox", Bots = [ClaudeBot] },
        new() { Id = "gemini-sandbox", Bots = [GeminiBot] },
        new() { Id = "fallback-sandbox", Bots = [DemoCoze.UnpublishedBot], Fallback = [ClaudeBot, OpenAiBot] },
    ];

    public static IEnumerable<FleetAccount> Accounts(Uri sandbox) =>
    [
        new(
            new AccountDefinition { Id = OpenAiBot, Upstream = UpstreamNames.OpenAi, BaseUrl = new Uri(sandbox, "openai/v1").ToString() },
            FakeOpenAi.Token, OAuth: null, Proxy: null),
        new(
            new AccountDefinition { Id = ResponsesBot, Upstream = UpstreamNames.OpenAi, BaseUrl = new Uri(sandbox, "openai/v1").ToString() },
            FakeOpenAi.Token, OAuth: null, Proxy: null),
        new(
            new AccountDefinition
            {
                Id = OwnKeyBot, Upstream = UpstreamNames.OpenAi, BaseUrl = new Uri(sandbox, "openai/v1").ToString(), CredentialFromRequest = true,
            },
            Token: null, OAuth: null, Proxy: null),
        new(
            new AccountDefinition { Id = ClaudeBot, Upstream = UpstreamNames.Claude, BaseUrl = new Uri(sandbox, "claude").ToString() },
            FakeClaude.Key, OAuth: null, Proxy: null),
        new(
            new AccountDefinition { Id = GeminiBot, Upstream = UpstreamNames.Gemini, BaseUrl = new Uri(sandbox, "gemini").ToString() },
            FakeGemini.Key, OAuth: null, Proxy: null),
    ];

    private static BotDefinition OpenAi(string id, string model, ModelTask task) =>
        new() { Id = id, Upstream = UpstreamNames.OpenAi, UpstreamBotId = model, Accounts = [OpenAiBot], Task = task };
}
