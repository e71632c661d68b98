using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>Bots whose channels go into a category of some name: the node makes it, and the next ones when it is full.</summary>
public sealed class CategoryTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private INode _node = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        // Small categories: fifty channels take long to fill.
        var discord = new DiscordSandboxOptions { ChannelsPerCategory = 3, RateLimits = false };
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions { Discord = discord }, CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", Fleet(new Uri(_sandbox.BaseUrl, "discord/api/v10")));
        _node = await Nodes.StartAsync(_folder.Path, ["--fleet", fleet, "--start-grace", "60s"]);
        _http = HttpCalls.Client(_node.BaseUrl);
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Two_bots_share_a_category_and_a_full_one_goes_on_in_the_next()
    {
        // One bot each, so that both listeners want the category at the same time.
        var asks = Enumerable.Range(0, 2).Select(n => new Ask(_http, null, $"bot-{n}", "")).ToList();
        Assert.All(await Task.WhenAll(asks.Select(ask => ask.CompleteAsync())), answer => Assert.NotEmpty(answer.Text!));

        var category = Assert.Single(Categories);
        Assert.Equal(("Our chats", 2), (category.Name, ChannelsIn(category)));

        var more = Enumerable.Range(0, 5).Select(n => new Ask(_http, null, $"bot-{n % 2}", "")).ToList();
        Assert.All(await Task.WhenAll(more.Select(ask => ask.CompleteAsync())), answer => Assert.Equal(200, answer.Status));

        Assert.Equal(["Our chats", "Our chats 2", "Our chats 3"], Categories.Select(one => one.Name));
        Assert.Equal([3, 3, 1], Categories.Select(ChannelsIn));
    }

    private IReadOnlyList<SandboxChannel> Categories =>
        [.. _sandbox.Discord.ChannelsOf(DiscordFleet.Guild.Id).Where(channel => channel.Type == 4 && channel.Id != DiscordFleet.Guild.CategoryId)];

    private int ChannelsIn(SandboxChannel category) => _sandbox.Discord.ChannelsOf(DiscordFleet.Guild.Id).Count(channel => channel.ParentId == category.Id);

    private static string Fleet(Uri api) => $$"""
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
          - { id: bot-0, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [writer], options: { listener: l0, category: Our chats, delete_after: never } }
          - { id: bot-1, upstream: discord, bot_id: {{DiscordSeeds.CozeBots[0].Id}}, accounts: [writer], options: { listener: l1, category: Our chats, delete_after: never } }
        models:
          - { id: bot-0, bots: [bot-0] }
          - { id: bot-1, bots: [bot-1] }
        """;
}
