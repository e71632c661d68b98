using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>A node and a fake Discord with its real limits, for tests that run one after another.</summary>
public sealed class DiscordFixture : IAsyncLifetime
{
    private readonly HashSet<string> _keptChannels = [DiscordFleet.Guild.CategoryId, DiscordFleet.Guild.GeneralId, DiscordFleet.Guild.FixedId];
    private SandboxNode? _node;

    public FakeDiscord Discord => _node!.Sandbox.Discord;

    /// <summary>The URL of the node.</summary>
    internal Uri Url => _node!.Node.BaseUrl;

    /// <summary>A client of the current node.</summary>
    internal HttpClient Http => _node!.Http;

    public async ValueTask InitializeAsync() =>
        _node = await SandboxNode.StartAsync((sandbox, _) => DiscordFleet.Create(new Uri(sandbox.BaseUrl, "discord/api/v10")));

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Kills the node and starts it again on the same data.</summary>
    internal Task CrashAsync() => _node!.CrashAsync();

    internal ChatRequest NewRequest(string model, string directives = "") => new(Http, null, model, directives);

    /// <summary>Waits for the message that contains the end of the prompt.</summary>
    internal Task<DiscordRecord> GetPostedMessageAsync(ChatRequest request) => Discord.Records.WaitAsync(
        DiscordRecordKind.MessageCreated,
        record => record.Detail!.Contains(request.Prompt, StringComparison.Ordinal) && DiscordSeeds.Accounts.Any(account => account.Id == record.UserId),
        cancellationToken: TestTimeout.Token);

    /// <summary>Waits until the bot has finished its reply, and returns the text of the reply.</summary>
    internal async Task<string> GetBotTextAsync(ChatRequest request)
    {
        var posted = await GetPostedMessageAsync(request);
        var finished = await Discord.Records.WaitAsync(
            DiscordRecordKind.ReplyFinished, record => record.MessageId == posted.MessageId, cancellationToken: TestTimeout.Token);
        return finished.Detail!;
    }

    /// <summary>Excludes the channel of a named conversation from <see cref="WaitForCleanupAsync"/>.</summary>
    internal void KeepChannel(string channelId) => _keptChannels.Add(channelId);

    /// <summary>Waits until all channels and threads are deleted that did not exist at the start.</summary>
    internal async Task WaitForCleanupAsync()
    {
        while (true)
        {
            var next = Discord.Records.Next;
            if (Discord.ChannelsOf(DiscordFleet.Guild.Id).All(channel => _keptChannels.Contains(channel.Id))) return;
            await Discord.Records.WaitAsync(DiscordRecordKind.ChannelDeleted, from: next, cancellationToken: TestTimeout.Token);
        }
    }
}

/// <summary>The tests that share the node.</summary>
[CollectionDefinition(nameof(DiscordNode))]
public sealed class DiscordNode : ICollectionFixture<DiscordFixture>;
