using System.Text.Json.Serialization;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>The JSON form of the bodies of the admin API. A field that is not known is an error.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(AdminPage<AdminAuditEntry>))]
[JsonSerializable(typeof(AdminPage<AdminTenant>))]
[JsonSerializable(typeof(AdminTenantDetails))]
[JsonSerializable(typeof(AdminPage<AdminKey>))]
[JsonSerializable(typeof(AdminKeyDetails))]
[JsonSerializable(typeof(AdminCreditDetails))]
[JsonSerializable(typeof(AdminNewPayment))]
[JsonSerializable(typeof(AdminPage<AdminBot>))]
[JsonSerializable(typeof(AdminPage<AdminAccount>))]
[JsonSerializable(typeof(AdminPage<AdminListener>))]
[JsonSerializable(typeof(AdminPage<AdminModel>))]
[JsonSerializable(typeof(AdminPage<AdminTurn>))]
[JsonSerializable(typeof(AdminTurnDetails))]
[JsonSerializable(typeof(AdminPage<AdminConversation>))]
[JsonSerializable(typeof(AdminConversationDetails))]
[JsonSerializable(typeof(AdminHealth))]
[JsonSerializable(typeof(AdminCluster))]
internal sealed partial class AdminJson : JsonSerializerContext;
