using System.Globalization;

namespace CozeCluster;

/// <summary>
/// The ids of tool calls that clients see: <c>call_</c>, the turn id without its prefix, <c>_</c>, and the number of the call in the turn's reply. When a
/// client sends the result of a call, the id names the turn that waits for it.
/// </summary>
public static class ToolCallIds
{
    private const string Prefix = "call_";
    private const string TurnPrefix = "turn_";

    /// <summary>The id of a call.</summary>
    /// <param name="turnId">The turn that makes the call.</param>
    /// <param name="ordinal">The number of the call among the turn's calls for the client, from 0.</param>
    public static string Of(string turnId, int ordinal) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{turnId.AsSpan(TurnPrefix.Length)}_{ordinal}");

    /// <summary>Reads the id of a call.</summary>
    /// <param name="callId">The id.</param>
    /// <param name="turnId">The turn that made the call.</param>
    /// <param name="ordinal">The number of the call among the turn's calls for the client, from 0.</param>
    /// <returns>False if this service did not make the call, for example if it is part of a history from elsewhere.</returns>
    public static bool TryParse(string callId, out string turnId, out int ordinal)
    {
        turnId = "";
        ordinal = 0;
        var end = callId.LastIndexOf('_');
        if (!callId.StartsWith(Prefix, StringComparison.Ordinal) || end <= Prefix.Length) return false;
        if (!int.TryParse(callId.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ordinal)) return false;
        turnId = $"{TurnPrefix}{callId.AsSpan(Prefix.Length, end - Prefix.Length)}";
        return TurnId.TryGetConversation(turnId, out _);
    }
}
