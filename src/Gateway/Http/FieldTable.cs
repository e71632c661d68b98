using System.Collections.Frozen;
using System.Text.Json;

namespace CozeCluster.Gateway.Http;

/// <summary>How the gateway treats a field of a request body.</summary>
internal enum FieldUse
{
    /// <summary>The field has its documented effect.</summary>
    Supported,

    /// <summary>Type and range are checked, then the field is ignored: bots have their own settings.</summary>
    Ignored,

    /// <summary>
    /// Only values that ask for nothing are accepted. Every other value is rejected, because a client that sends one relies on its effect.
    /// </summary>
    Rejected,

    /// <summary>Language models honour it. For models that only have bots, it is <see cref="Ignored"/>.</summary>
    IgnoredByBots,

    /// <summary>Language models honour it. For models that only have bots, it is <see cref="Rejected"/>.</summary>
    RejectedByBots,
}

/// <summary>A field of a request body.</summary>
/// <param name="Name">The JSON property name.</param>
/// <param name="Use">How the gateway treats it.</param>
/// <param name="Type">Its JSON type and range, as text for people.</param>
/// <param name="Note">What it does, or which values are accepted.</param>
/// <param name="Check">Throws if a value is not accepted. It is not called for null. It is null itself where the request reader checks the value.</param>
internal sealed record RequestField(string Name, FieldUse Use, string Type, string Note, Action<JsonElement, JsonFieldPath>? Check = null);

/// <summary>
/// Every field that one kind of request body may have. Other fields are accepted and ignored. The documentation and the OpenAPI document are checked against
/// this table.
/// </summary>
/// <param name="fields">The fields.</param>
internal sealed class FieldTable(params RequestField[] fields)
{
    private readonly FrozenDictionary<string, RequestField> _byName = fields.ToFrozenDictionary(field => field.Name);

    public IReadOnlyList<RequestField> Fields => fields;

    /// <summary>Checks every known field of a body.</summary>
    /// <param name="body">The body.</param>
    /// <param name="withSettings">Whether the fields that language models honour are checked as bots need it; otherwise their reader checks them.</param>
    /// <param name="replaces">Checks a field in place of the table, and returns true; or returns false. Null: the table checks all fields.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public void Check(JsonElement body, bool withSettings = true, Func<string, JsonElement, JsonFieldPath, bool>? replaces = null)
    {
        foreach (var property in body.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Null || !_byName.TryGetValue(property.Name, out var field)) continue;
            if (replaces?.Invoke(field.Name, property.Value, JsonFieldPath.Root[field.Name]) == true) continue;
            if (withSettings || field.Use is not (FieldUse.IgnoredByBots or FieldUse.RejectedByBots))
                field.Check?.Invoke(property.Value, JsonFieldPath.Root[property.Name]);
        }
    }
}

/// <summary>Checks of fields that the gateway does not use.</summary>
internal static class FieldChecks
{
    public static Action<JsonElement, JsonFieldPath> Number(double min, double max) => (value, path) => JsonInput.CheckNumber(value, path, min, max);

    public static Action<JsonElement, JsonFieldPath> Integer(long min, long max) => (value, path) => JsonInput.ReadInteger(value, path, min, max);

    public static void String(JsonElement value, JsonFieldPath path) => JsonInput.ReadString(value, path);

    public static void Boolean(JsonElement value, JsonFieldPath path) => JsonInput.ReadBoolean(value, path);

    /// <summary>The error for a value of a <see cref="FieldUse.Rejected"/> field.</summary>
    /// <param name="path">The field.</param>
    /// <param name="reason">Why the value is not supported, and what to send instead.</param>
    public static ClusterException NotSupported(JsonFieldPath path, string reason) => path.Invalid($"'{path}' is not supported: {reason}.");
}
