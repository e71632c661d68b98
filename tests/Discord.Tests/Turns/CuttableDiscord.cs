using System.Threading.Channels;

namespace CozeCluster.Discord.Tests;

/// <summary>Discord as a node reaches it, until the node is dead: then nothing of it gets out any more, and nothing in.</summary>
internal sealed class CuttableDiscord(DiscordApi api) : IDiscordApi, IDiscordPosting
{
    private readonly CancellationTokenSource _cut = new();

    public void Cut() => _cut.Cancel();

    public Task<string> Connect(
        ListenerDefinition listener, int shard, ChannelWriter<DiscordEvent> events, Action<DiscordSessionHealth> health, Func<CancellationToken, Task> own, CancellationToken cancellationToken) =>
        Try(token => api.Connect(listener, shard, events, health, own, token), cancellationToken);

    public Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken) =>
        Try(token => api.Post(account, post, token), cancellationToken);

    public int? DailyLimit(AccountDefinition account) => api.DailyLimit(account);

    public Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Try(token => api.DeleteMessage(listener, channelId, messageId, token), cancellationToken);

    public Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken) =>
        Try(token => api.ReadAfter(listener, channelId, afterMessageId, token), cancellationToken);

    public Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Try(token => api.Read(listener, channelId, messageId, token), cancellationToken);

    public Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken) =>
        Try(token => api.ListChannels(listener, token), cancellationToken);

    public Task<ChannelCreation> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken) =>
        Try(token => api.CreateChannel(listener, channel, token), cancellationToken);

    public Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken) =>
        Try(token => api.RenameChannel(listener, channelId, name, token), cancellationToken);

    public Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken) =>
        Try(token => api.DeleteChannel(listener, channelId, token), cancellationToken);

    private Task Try(Func<CancellationToken, Task> call, CancellationToken cancellationToken) => Try(
        async token =>
        {
            await call(token);
            return true;
        },
        cancellationToken);

    private async Task<T> Try<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _cut.Token);
        try
        {
            return await call(ends.Token).WaitAsync(ends.Token);
        }
        catch (OperationCanceledException) when (_cut.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The node is dead.");
        }
    }
}
