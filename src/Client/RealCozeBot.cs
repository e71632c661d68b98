using System.Text.Json;

namespace CozeCluster.Client;

/// <summary>A bot on Coze.</summary>
/// <param name="Id">Its id.</param>
/// <param name="History">Messages that are sent before every history.</param>
public sealed record RealCozeBot(string Id, IReadOnlyList<RealCozeMessage> History)
{
    /// <param name="id">Its id.</param>
    public RealCozeBot(string id) : this(id, [])
    {
    }

    /// <summary>
    /// Reads a bot from the <c>config.json</c> that Real-Coze-API's user script downloaded. The id (<c>bot_id</c>) and the history (<c>message_info</c> in
    /// <c>work_info</c>) still have a meaning. The prompt, the model and the plugins of the published bot are used instead of those in the file.
    /// </summary>
    /// <exception cref="FormatException">The text is not JSON, or contains no id of a bot.</exception>
    public static RealCozeBot FromConfig(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.Text("bot_id") is not { Length: > 0 } id) throw new FormatException("The configuration contains no 'bot_id'.");
            return new RealCozeBot(id, root.Member("work_info").Text("message_info") is { Length: > 0 } history ? ReadHistory(history) : []);
        }
        catch (JsonException exception)
        {
            throw new FormatException("The configuration is not valid JSON.", exception);
        }
    }

    private static List<RealCozeMessage> ReadHistory(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind != JsonValueKind.Array ? [] :
        [
            .. from message in document.RootElement.EnumerateArray()
               let content = message.Text("content")
               where !string.IsNullOrEmpty(content)
               select new RealCozeMessage(message.Number("role") ?? RealCozeRole.User, content, message.Number("contentType") ?? 1),
        ];
    }
}
