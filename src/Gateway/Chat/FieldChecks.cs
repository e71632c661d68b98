using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Chat;

/// <summary>Checks of request fields that are not used any further.</summary>
internal static class FieldChecks
{
    private const int MaxStops = 4;

    public static Action<JsonElement, JsonPlace> Number(double min, double max) => (value, at) => JsonInput.Number(value, at, min, max);

    public static Action<JsonElement, JsonPlace> Integer(long min, long max) => (value, at) => JsonInput.Integer(value, at, min, max);

    public static Action<JsonElement, JsonPlace> Never(string what) => (_, at) => throw Refuse(at, $"these bots offer no {what}");

    public static void String(JsonElement value, JsonPlace at) => JsonInput.String(value, at);

    public static void Boolean(JsonElement value, JsonPlace at) => JsonInput.Boolean(value, at);

    public static void N(JsonElement value, JsonPlace at)
    {
        if (JsonInput.Integer(value, at, 1, 128) != 1) throw Refuse(at, "a bot gives one reply; send 1 or leave it out");
    }

    public static void Stop(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            JsonInput.String(value, at);
            return;
        }
        if (value.ValueKind != JsonValueKind.Array) throw at.Mistyped("a string or an array of strings", value);
        if (value.GetArrayLength() > MaxStops) throw at.Wrong($"Invalid '{at}': expected at most {MaxStops} strings.");
        EachString(value, at);
    }

    public static void ToolChoice(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind == JsonValueKind.Object) throw Refuse(at, "a bot chooses its tools itself; send \"none\" or \"auto\"");
        switch (JsonInput.String(value, at))
        {
            case "none" or "auto": return;
            case "required": throw Refuse(at, "a bot chooses its tools itself; send \"none\" or \"auto\"");
            default: throw at.Wrong($"Invalid value for '{at}': expected \"none\", \"auto\", \"required\" or an object.");
        }
    }

    public static void ResponseFormat(JsonElement value, JsonPlace at)
    {
        JsonInput.Object(value, at);
        var type = at["type"];
        switch (JsonInput.String(JsonInput.Member(value, "type", at), type))
        {
            case "text": return;
            case "json_object" or "json_schema": throw Refuse(at, "a bot's output cannot be forced into a form; send {\"type\":\"text\"} and ask for JSON in the prompt");
            default: throw type.Wrong($"Invalid value for '{type}': expected \"text\", \"json_object\" or \"json_schema\".");
        }
    }

    public static void LogProbs(JsonElement value, JsonPlace at)
    {
        if (JsonInput.Boolean(value, at)) throw Refuse(at, "these bots tell no token probabilities");
    }

    public static void TopLogProbs(JsonElement value, JsonPlace at)
    {
        if (JsonInput.Integer(value, at, 0, 20) > 0) throw Refuse(at, "these bots tell no token probabilities");
    }

    public static void Modalities(JsonElement value, JsonPlace at)
    {
        JsonInput.Array(value, at);
        EachString(value, at);
        foreach (var item in value.EnumerateArray())
        {
            if (!item.ValueEquals("text"u8)) throw Refuse(at, "replies are text; send [\"text\"] or leave it out");
        }
    }

    /// <summary>Tools make sense only if they may be ignored.</summary>
    public static void Tools(JsonElement root, string tools, string choice)
    {
        if (JsonInput.Find(root, tools) is not { } value) return;
        var at = JsonPlace.Root[tools];
        JsonInput.Array(value, at);
        var none = JsonInput.Find(root, choice) is { ValueKind: JsonValueKind.String } chosen && chosen.ValueEquals("none"u8);
        if (value.GetArrayLength() > 0 && !none) throw Refuse(at, $"a bot's tools are part of the bot and cannot be given with a request; leave it out or send {choice} \"none\"");
    }

    private static void EachString(JsonElement array, JsonPlace at)
    {
        var index = 0;
        foreach (var item in array.EnumerateArray()) JsonInput.String(item, at[index++]);
    }

    private static ClusterException Refuse(JsonPlace at, string why) => at.Wrong($"'{at}' cannot be honoured: {why}.");
}
