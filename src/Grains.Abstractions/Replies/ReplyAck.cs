using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>An inbox's answer to a batch.</summary>
[GenerateSerializer, Alias("reply-ack")]
[JsonConverter(typeof(JsonStringEnumConverter<ReplyAck>))]
public enum ReplyAck
{
    /// <summary>The batch is queued; send more.</summary>
    Taken,

    /// <summary>The inbox is full and did not take the batch. The subscription is paused: the reader reads from its cursor and subscribes again.</summary>
    Full,

    /// <summary>The inbox is closed. The subscription ends.</summary>
    Gone,
}
