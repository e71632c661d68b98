using CozeCluster.Sandbox.OpenAi;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>The part of the demo fleet that uses the fakes of language models.</summary>
internal static class DemoModels
{
    private const string OpenAiBot = "sandbox-openai";

    public static IReadOnlyList<(string Model, string Description)> Models { get; } =
    [
        ("openai-sandbox", "a language model behind OpenAI's API, with tools and JSON"),
        ("fallback-sandbox", "a Coze bot that is not published, then the language model"),
    ];

    public static IReadOnlyList<BotDefinition> Bots { get; } =
    [
        new() { Id = OpenAiBot, Upstream = UpstreamNames.OpenAi, UpstreamBotId = FakeOpenAi.Model, Accounts = [OpenAiBot] },
    ];

    public static IReadOnlyList<ModelDefinition> Pools { get; } =
    [
        new() { Id = "openai-sandbox", Bots = [OpenAiBot] },
        new() { Id = "fallback-sandbox", Bots = [DemoCoze.UnpublishedBot], Fallback = [OpenAiBot] },
    ];

    public static IEnumerable<FleetAccount> Accounts(Uri sandbox) =>
    [
        new(
            new AccountDefinition { Id = OpenAiBot, Upstream = UpstreamNames.OpenAi, BaseUrl = new Uri(sandbox, "openai/v1").ToString() },
            FakeOpenAi.Token, OAuth: null, Proxy: null),
    ];
}
