using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Messages;

/// <summary>
/// How messages are written where a call crosses a process, and where they are part of state. Wire names are fixed: add, never rename.
/// A field that is missing reads as the default of its type, not of its initializer: give defaults in getters or as constructor parameters.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TurnRequest))]
[JsonSerializable(typeof(Subscription))]
[JsonSerializable(typeof(ReplyBatch))]
[JsonSerializable(typeof(ReplyAck))]
[JsonSerializable(typeof(TurnSnapshot))]
[JsonSerializable(typeof(ConversationSnapshot))]
[JsonSerializable(typeof(IReadOnlyList<ConversationSummary>))]
[JsonSerializable(typeof(Fleet))]
[JsonSerializable(typeof(IReadOnlyList<PooledBot>))]
[JsonSerializable(typeof(PickRequest))]
[JsonSerializable(typeof(PickResult))]
[JsonSerializable(typeof(LeaseRequest))]
[JsonSerializable(typeof(LeaseResult))]
[JsonSerializable(typeof(AccountLeaseResult))]
[JsonSerializable(typeof(LeaseOutcome))]
[JsonSerializable(typeof(ApiKeyInfo))]
[JsonSerializable(typeof(IReadOnlyList<ModelInfo>))]
[JsonSerializable(typeof(Error))]
[JsonSerializable(typeof(UpstreamHandle))]
[JsonSerializable(typeof(FleetOutline))]
[JsonSerializable(typeof(HealthEntry))]
[JsonSerializable(typeof(IReadOnlyList<HealthEntry>))]
[JsonSerializable(typeof(Notice))]
[JsonSerializable(typeof(ReplyCadence))]
[JsonSerializable(typeof(ReplySample))]
[JsonSerializable(typeof(DiscordWatch))]
[JsonSerializable(typeof(IReadOnlyList<DiscordEvent>))]
[JsonSerializable(typeof(DiscordPost))]
[JsonSerializable(typeof(DiscordPosted))]
[JsonSerializable(typeof(DiscordChannelRequest))]
[JsonSerializable(typeof(DiscordCategoryRequest))]
[JsonSerializable(typeof(IReadOnlyList<DiscordChannelInfo>))]
[JsonSerializable(typeof(DiscordSessionHealth))]
[JsonSerializable(typeof(ListenerDefinition))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(long))]
public sealed partial class MessagesJson : JsonSerializerContext;
