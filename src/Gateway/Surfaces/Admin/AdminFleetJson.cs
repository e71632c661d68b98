using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>The JSON form of what the admin API says about the fleet.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(AdminPage<AdminFleetItem>))]
[JsonSerializable(typeof(AdminMadeKey))]
[JsonSerializable(typeof(AdminFleetDifferences))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class AdminFleetJson : JsonSerializerContext;

/// <summary>A thing of the fleet.</summary>
/// <param name="Id">Its id; the name of a key.</param>
/// <param name="Version">The version of the fleet that changed it last, which is its ETag; null if it was deleted.</param>
/// <param name="Origin"><c>api</c>: it can be changed; <c>file</c>: the fleet file declares it; <c>deleted</c>.</param>
/// <param name="InFile">Whether the fleet file declares it.</param>
internal sealed record AdminFleetItem(string Id, long? Version, string Origin, bool InFile)
{
    /// <summary>When it was last changed through the API; null if it was not.</summary>
    public DateTime? ManagedAt { get; init; }

    /// <summary>Which key did that: its tenant and its name.</summary>
    public string? ManagedBy { get; init; }

    /// <summary>The thing as a fleet file has it; null if it was deleted.</summary>
    public JsonElement? Content { get; init; }
}

/// <summary>An API key that was made by this request.</summary>
/// <param name="Key">The key. Nothing shows it again.</param>
/// <param name="Item">What is stored of it.</param>
internal sealed record AdminMadeKey(string Key, AdminFleetItem Item);

/// <summary>What a document changes or has changed.</summary>
/// <param name="Version">The version of the fleet that is in force, which is the ETag for the import.</param>
/// <param name="Differences">The things that differ.</param>
internal sealed record AdminFleetDifferences(long Version, IReadOnlyList<AdminFleetDifference> Differences);

/// <summary>What a document does with one thing.</summary>
/// <param name="Kind"><c>tenant</c>, <c>key</c>, <c>account</c>, <c>listener</c>, <c>bot</c>, <c>model</c> or <c>settings</c>.</param>
/// <param name="Id">The id; of a key, its tenant and its name.</param>
/// <param name="Change"><c>created</c>, <c>changed</c>, <c>deleted</c>, or <c>refused</c>: it comes from the fleet file.</param>
/// <param name="Fields">The members that differ.</param>
internal sealed record AdminFleetDifference(string Kind, string Id, string Change, IReadOnlyList<string> Fields);
