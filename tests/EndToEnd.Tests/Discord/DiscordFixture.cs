using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>A node and a fake Discord with its real limits, for tests that run one after another.</summary>
public sealed class DiscordFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly List<HttpClient> _clients = [];
    private readonly HashSet<string> _kept = [DiscordFleet.Guild.CategoryId, DiscordFleet.Guild.GeneralId, DiscordFleet.Guild.FixedId];
    private SandboxServer _sandbox = null!;
    private INode _node = null!;
    private string _fleet = "";

    public FakeDiscord Discord => _sandbox.Discord;

    /// <summary>Where the node is.</summary>
    internal Uri Url => _node.BaseUrl;

    /// <summary>For the node that runs now.</summary>
    internal HttpClient Http => _clients[^1];

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        _fleet = _folder.Write("fleet.yaml", DiscordFleet.For(new Uri(_sandbox.BaseUrl, "discord/api/v10")));
        await StartNodeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Kills the node and starts it again on the same data.</summary>
    internal async Task CrashAsync()
    {
        await _node.DisposeAsync();
        await StartNodeAsync();
    }

    internal Ask Ask(string model, string directives = "") => new(Http, null, model, directives);

    /// <summary>The message that carried the end of a question, once it was posted.</summary>
    internal Task<DiscordRecord> PostedAsync(Ask ask) => Discord.Records.WaitAsync(
        DiscordRecordKind.MessageCreated,
        record => record.Detail!.Contains(ask.Prompt, StringComparison.Ordinal) && DiscordSeeds.Accounts.Any(account => account.Id == record.UserId),
        cancellationToken: EndToEnd.Tests.Ask.Patience);

    /// <summary>What the bot said to a question, word for word.</summary>
    internal async Task<string> SaidAsync(Ask ask)
    {
        var posted = await PostedAsync(ask);
        return (await Discord.Records.WaitAsync(
            DiscordRecordKind.ReplyFinished, record => record.MessageId == posted.MessageId, cancellationToken: EndToEnd.Tests.Ask.Patience)).Detail!;
    }

    /// <summary>A channel stays, as its conversation may go on.</summary>
    internal void Expect(string channelId) => _kept.Add(channelId);

    /// <summary>Waits until no channel or thread is left but those of the beginning, and those that stay.</summary>
    internal async Task NoneIsLeftAsync()
    {
        while (true)
        {
            var next = Discord.Records.Next;
            if (Discord.ChannelsOf(DiscordFleet.Guild.Id).All(channel => _kept.Contains(channel.Id))) return;
            await Discord.Records.WaitAsync(DiscordRecordKind.ChannelDeleted, from: next, cancellationToken: EndToEnd.Tests.Ask.Patience);
        }
    }

    private async Task StartNodeAsync()
    {
        _node = await Nodes.StartAsync(_folder.Path, ["--fleet", _fleet, "--start-grace", "60s"]);
        _clients.Add(HttpCalls.Client(_node.BaseUrl));
    }
}

/// <summary>The tests that share it, one after another.</summary>
[CollectionDefinition(nameof(DiscordNode))]
public sealed class DiscordNode : ICollectionFixture<DiscordFixture>;
