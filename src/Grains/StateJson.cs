using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Grains;

/// <summary>
/// The JSON form of grain states and of the catalog's own rows. JSON names are stored: add names, never rename them. Only null is omitted, because a missing
/// property gets the default of its declaration, which may be true.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FleetSettings))]
[JsonSerializable(typeof(FleetImports))]
[JsonSerializable(typeof(FleetMark))]
[JsonSerializable(typeof(BotState))]
[JsonSerializable(typeof(HealthRecords))]
[JsonSerializable(typeof(ModelPoolState))]
[JsonSerializable(typeof(AccountState))]
[JsonSerializable(typeof(BridgeConversationsState))]
[JsonSerializable(typeof(BudgetState))]
internal sealed partial class StateJson : JsonSerializerContext;
