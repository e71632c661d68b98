using System.Text.Json.Serialization;
using CozeCluster.Messages;

namespace CozeCluster;

/// <summary>Hears a reply. Each call is awaited by the grain before the next; a call that takes over 5 s counts as lost and ends the subscription.</summary>
public interface IReplyObserver : IObserver
{
    /// <summary>
    /// Takes the next batch. It returns once the batch is queued, not once it is delivered. Where an engine had to repeat a call, what was brought may come again:
    /// places in events and cursors tell.
    /// </summary>
    ValueTask<ReplyAck> OnReply(ReplyBatch batch);
}

/// <summary>An observer's answer to a batch.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReplyAck>))]
public enum ReplyAck
{
    /// <summary>Taken; send more.</summary>
    Taken,

    /// <summary>Not taken: the client is slow. The subscription is paused; the observer reads for itself and subscribes again.</summary>
    Full,

    /// <summary>Nobody listens any more. The subscription ends.</summary>
    Gone,
}
