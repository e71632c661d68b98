using CozeCluster.Messages;

namespace CozeCluster.Engine.Orleans;

// Observer interfaces as Orleans knows them.

internal interface IReplyOrleansObserver : IGrainObserver, IReplyObserver;

internal sealed class ReplyOrleansObserver(IReplyObserver observer) : Observed<IReplyObserver>(observer), IReplyOrleansObserver
{
    public ValueTask<ReplyAck> OnReply(ReplyBatch batch) => Observer.OnReply(batch);
}

internal interface IDiscordOrleansObserver : IGrainObserver, IDiscordObserver;

internal sealed class DiscordOrleansObserver(IDiscordObserver observer) : Observed<IDiscordObserver>(observer), IDiscordOrleansObserver
{
    public ValueTask<bool> OnEvents(IReadOnlyList<DiscordEvent> events) => Observer.OnEvents(events);
}
