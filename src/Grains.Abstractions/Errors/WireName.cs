using System.Text.Json;

namespace CozeCluster;

/// <summary>Names of enum values as the admin API, metrics and notices write them.</summary>
public static class WireName
{
    /// <summary><c>SetAside</c> as <c>set_aside</c>.</summary>
    public static string Of<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
