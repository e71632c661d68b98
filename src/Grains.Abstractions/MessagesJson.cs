using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// The JSON form of messages that are part of a grain's stored state. Between processes, Orleans' serializer writes messages instead. JSON names are stored:
/// add names, never rename them. A missing field gets the default of its type, not of its initializer, so declare defaults in getters or as constructor
/// parameters.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Fleet))]
[JsonSerializable(typeof(ApiKeyInfo))]
[JsonSerializable(typeof(TurnRequest))]
[JsonSerializable(typeof(UpstreamHandle))]
[JsonSerializable(typeof(TurnStatus))]
[JsonSerializable(typeof(ReplyPart))]
[JsonSerializable(typeof(ReplyEvent))]
[JsonSerializable(typeof(HealthEntry))]
[JsonSerializable(typeof(BridgeConversation))]
public sealed partial class MessagesJson : JsonSerializerContext;
