using System.Text.Json.Serialization;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>The JSON form of the bodies of the admin API. A field that is not known is an error.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(AdminPage<AdminAuditEntry>))]
internal sealed partial class AdminJson : JsonSerializerContext;
