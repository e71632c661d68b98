using System.Text.Json;

namespace CozeCluster.Gateway.Http;

/// <summary>What becomes of a request field.</summary>
internal enum FieldUse
{
    /// <summary>It does what it says.</summary>
    Honoured,

    /// <summary>Checked for type and range, then ignored: bots have their own settings.</summary>
    Ignored,

    /// <summary>Taken with values that ask for nothing; any other value is refused, because ignoring it would break what the client relies on.</summary>
    Refused,
}

/// <summary>A field of a request body.</summary>
/// <param name="Name">As on the wire.</param>
/// <param name="Use">What becomes of it.</param>
/// <param name="Type">JSON type and range, for people.</param>
/// <param name="Note">What it does, or which values pass.</param>
/// <param name="Check">Throws if the value cannot be taken; null where the request reader looks at it itself. Not called for null.</param>
internal sealed record RequestField(string Name, FieldUse Use, string Type, string Note, Action<JsonElement, JsonPlace>? Check = null);
