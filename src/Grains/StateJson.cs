using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Grains;

/// <summary>How state is stored. Names are fixed: add, never rename. Only nulls are left out: what is missing reads as the default of its declaration, which may be true.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CatalogState))]
[JsonSerializable(typeof(BotState))]
[JsonSerializable(typeof(HealthRecords))]
[JsonSerializable(typeof(ModelPoolState))]
[JsonSerializable(typeof(AccountState))]
[JsonSerializable(typeof(ConversationState))]
[JsonSerializable(typeof(ConversationIndexState))]
[JsonSerializable(typeof(RunningTurnsState))]
internal sealed partial class StateJson : JsonSerializerContext;
