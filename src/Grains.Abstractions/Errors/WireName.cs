using System.Text.Json;

namespace CozeCluster;

/// <summary>The names of enum values in the admin API, in metrics and in notifications.</summary>
public static class WireName
{
    /// <summary>Writes <c>SetAside</c> as <c>set_aside</c>.</summary>
    public static string Of<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
