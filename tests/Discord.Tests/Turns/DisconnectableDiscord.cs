using System.Threading.Channels;

namespace CozeCluster.Discord.Tests;

/// <summary>Passes calls to Discord until it is disconnected. Afterwards all calls fail, and responses are lost, as if the node had failed.</summary>
internal sealed class DisconnectableDiscord(DiscordApi api) : IDiscordApi, IDiscordPosting
{
    private readonly CancellationTokenSource _disconnected = new();

    public void Disconnect() => _disconnected.Cancel();

    public Task<string> Connect(
        ListenerDefinition listener,
        int shard,
        ChannelWriter<DiscordEvent> events,
        Action<DiscordSessionHealth> onHealth,
        Func<CancellationToken, Task> takeLease,
        CancellationToken cancellationToken) =>
        Call(token => api.Connect(listener, shard, events, onHealth, takeLease, token), cancellationToken);

    public Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken) =>
        Call(token => api.Post(account, post, token), cancellationToken);

    public int? DailyLimit(AccountDefinition account) => api.DailyLimit(account);

    public Task DeleteMessage(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Call(token => api.DeleteMessage(listener, channelId, messageId, token), cancellationToken);

    public Task<IReadOnlyList<DiscordMessageSeen>> ReadAfter(
        ListenerDefinition listener, string channelId, string afterMessageId, CancellationToken cancellationToken) =>
        Call(token => api.ReadAfter(listener, channelId, afterMessageId, token), cancellationToken);

    public Task<DiscordMessageSeen?> Read(ListenerDefinition listener, string channelId, string messageId, CancellationToken cancellationToken) =>
        Call(token => api.Read(listener, channelId, messageId, token), cancellationToken);

    public Task<ReadOnlyMemory<byte>> Download(ListenerDefinition listener, string url, CancellationToken cancellationToken) =>
        Call(token => api.Download(listener, url, token), cancellationToken);

    public Task<IReadOnlyList<DiscordChannelInfo>> ListChannels(ListenerDefinition listener, CancellationToken cancellationToken) =>
        Call(token => api.ListChannels(listener, token), cancellationToken);

    public Task<ChannelCreation> CreateChannel(ListenerDefinition listener, DiscordChannelInfo channel, CancellationToken cancellationToken) =>
        Call(token => api.CreateChannel(listener, channel, token), cancellationToken);

    public Task RenameChannel(ListenerDefinition listener, string channelId, string name, CancellationToken cancellationToken) =>
        Call(token => api.RenameChannel(listener, channelId, name, token), cancellationToken);

    public Task DeleteChannel(ListenerDefinition listener, string channelId, CancellationToken cancellationToken) =>
        Call(token => api.DeleteChannel(listener, channelId, token), cancellationToken);

    private Task Call(Func<CancellationToken, Task> call, CancellationToken cancellationToken) => Call(
        async token =>
        {
            await call(token);
            return true;
        },
        cancellationToken);

    private async Task<T> Call<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disconnected.Token);
        try
        {
            return await call(ends.Token).WaitAsync(ends.Token);
        }
        catch (OperationCanceledException) when (_disconnected.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The node has failed.");
        }
    }
}
