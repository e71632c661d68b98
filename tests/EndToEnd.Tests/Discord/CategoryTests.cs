using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>Bots whose channels are in a category with a configured name. The node creates the category, and further ones when it is full.</summary>
public sealed class CategoryTests : IAsyncLifetime
{
    private SandboxNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        // Small categories, because it takes long to create fifty channels.
        var discord = new DiscordSandboxOptions { ChannelsPerCategory = 3, RateLimits = false };
        _node = await SandboxNode.StartAsync(
            (sandbox, _) => CreateFleet(new Uri(sandbox.BaseUrl, "discord/api/v10")), new SandboxOptions { Discord = discord });
    }

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task Two_bots_share_a_category_and_use_the_next_one_when_it_is_full()
    {
        // One request for each bot, so that both listeners need the category at the same time.
        var requests = Enumerable.Range(0, 2).Select(number => NewRequest($"bot-{number}")).ToList();
        Assert.All(await Task.WhenAll(requests.Select(request => request.CompleteAsync())), response => Assert.NotEmpty(response.Text!));

        var category = Assert.Single(Categories);
        Assert.Equal(("Our chats", 2), (category.Name, ChannelsIn(category)));

        var more = Enumerable.Range(0, 5).Select(number => NewRequest($"bot-{number % 2}")).ToList();
        Assert.All(await Task.WhenAll(more.Select(request => request.CompleteAsync())), response => Assert.Equal(200, response.Status));

        Assert.Equal(["Our chats", "Our chats 2", "Our chats 3"], Categories.Select(category => category.Name));
        Assert.Equal([3, 3, 1], Categories.Select(ChannelsIn));
    }

    private FakeDiscord Discord => _node.Sandbox.Discord;

    private IReadOnlyList<SandboxChannel> Categories =>
        [.. Discord.ChannelsOf(DiscordFleet.Guild.Id).Where(channel => channel.Type == 4 && channel.Id != DiscordFleet.Guild.CategoryId)];

    private int ChannelsIn(SandboxChannel category) => Discord.ChannelsOf(DiscordFleet.Guild.Id).Count(channel => channel.ParentId == category.Id);

    private ChatRequest NewRequest(string model) => new(_node.Http, null, model, "");

    private static string CreateFleet(Uri api) => $$"""
        allow_user_accounts: true
        tenants:
          - id: main
            keys: [{ name: app, key: {{TestFleet.Key}} }]
        listeners:
          - { id: l0, base_url: "{{api}}", guild_id: {{DiscordFleet.Guild.Id}}, token: {{DiscordSeeds.Listeners[0].Token}} }
          - { id: l1, base_url: "{{api}}", guild_id: {{DiscordFleet.Guild.Id}}, token: {{DiscordSeeds.Listeners[1].Token}} }
        accounts:
          - { id: writer, upstream: discord, base_url: "{{api}}", token: {{DiscordSeeds.Accounts[0].Token}}, options: { kind: user } }
        bots:
          - { id: bot-0, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [writer], options: {{Options("l0")}} }
          - { id: bot-1, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [writer], options: {{Options("l1")}} }
        models:
          - { id: bot-0, bots: [bot-0] }
          - { id: bot-1, bots: [bot-1] }
        """;

    private static string Options(string listener) => $"{{ listener: {listener}, category: Our chats, delete_after: never }}";
}
