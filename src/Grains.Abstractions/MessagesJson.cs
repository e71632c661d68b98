using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// How messages are stored as part of a grain's state. Names are fixed: add, never rename. Between processes Orleans writes messages, not this.
/// A field that is missing reads as the default of its type, not of its initializer: give defaults in getters or as constructor parameters.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Fleet))]
[JsonSerializable(typeof(TurnRequest))]
[JsonSerializable(typeof(UpstreamHandle))]
[JsonSerializable(typeof(TurnStatus))]
[JsonSerializable(typeof(ReplyPart))]
[JsonSerializable(typeof(ReplyEvent))]
[JsonSerializable(typeof(ConversationSummary))]
[JsonSerializable(typeof(HealthEntry))]
public sealed partial class MessagesJson : JsonSerializerContext;
