using System.Globalization;

namespace CozeCluster.Gateway.Chat;

/// <summary>
/// The ids under which tool calls go to clients, <c>call_{turn}_{n}</c>: when a result comes back, the id says which turn waits for it.
/// </summary>
internal static class ToolCallIds
{
    private const string Prefix = "call_";
    private const string TurnPrefix = "turn_";

    /// <summary>The id of a turn's <paramref name="ordinal"/>-th call for the client, counted from 0.</summary>
    public static string Of(string turnId, int ordinal) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{turnId.AsSpan(TurnPrefix.Length)}_{ordinal}");

    /// <summary>The turn that made a call.</summary>
    /// <returns>Null if the id is none of ours: part of a history made elsewhere.</returns>
    public static string? TurnOf(string callId)
    {
        if (!callId.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var end = callId.LastIndexOf('_');
        if (end <= Prefix.Length || !int.TryParse(callId.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)) return null;
        var turnId = $"{TurnPrefix}{callId.AsSpan(Prefix.Length, end - Prefix.Length)}";
        return TurnId.TryGetConversation(turnId, out _) ? turnId : null;
    }
}
