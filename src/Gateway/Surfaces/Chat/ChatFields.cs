using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>The fields of a chat completion request.</summary>
internal static class ChatFields
{
    private const FieldUse Supported = FieldUse.Supported;
    private const FieldUse Ignored = FieldUse.Ignored;
    private const FieldUse Rejected = FieldUse.Rejected;
    private const FieldUse IgnoredByBots = FieldUse.IgnoredByBots;
    private const FieldUse RejectedByBots = FieldUse.RejectedByBots;
    private const int MaxStops = 4;
    private const string NoProbabilities = "replies have no token probabilities, whichever model answers";

    public static FieldTable Table { get; } = new(
        new("model", Supported, "string", "A model of `GET /v1/models`. Required."),
        new("messages", Supported, "array", "The prompt, at least one message. Required."),
        new("stream", Supported, "boolean", "Whether to answer with server-sent events. Default false."),
        new("stream_options", Supported, "object", "`include_usage`: a last chunk with token counts. Only with `stream`. `include_obfuscation` is ignored."),
        new("user", Supported, "string", "The id of your end user. The bot's platform keeps the memories of different users apart."),
        new("safety_identifier", Supported, "string", "Same as `user`. If both are given, `user` is used."),
        new("metadata", Supported, "object, up to 16 strings", "Sent to the bot's platform. Keys up to 64 characters, values up to 512."),
        new(
            "conversation_id", Supported, "string, 1–256 characters",
            "Extension. Continues the conversation of that name, or starts it. Also as header `x-conversation-id`."),
        new(
            "n", Supported, $"integer, 1–{ChatRequest.MaxChoices}", "How many choices. Each is the reply of a turn of its own. Default 1.",
            FieldChecks.Integer(1, ChatRequest.MaxChoices)),
        new("custom_variables", Supported, "object of strings", "Extension. Variables of the bot's prompt."),

        new("temperature", IgnoredByBots, "number, 0–2", "The bot has its own setting.", FieldChecks.Number(0, 2)),
        new("top_p", IgnoredByBots, "number, 0–1", "The bot has its own setting.", FieldChecks.Number(0, 1)),
        new("presence_penalty", IgnoredByBots, "number, −2–2", "", FieldChecks.Number(-2, 2)),
        new("frequency_penalty", IgnoredByBots, "number, −2–2", "", FieldChecks.Number(-2, 2)),
        new("logit_bias", IgnoredByBots, "object", "", JsonInput.CheckObject),
        new("seed", IgnoredByBots, "integer", "", FieldChecks.Integer(long.MinValue, long.MaxValue)),
        new(
            "max_tokens", IgnoredByBots, "integer, from −1", "The bot has its own limit; a reply that reaches it ends with `length`. −1 means no limit.",
            FieldChecks.Integer(-1, long.MaxValue)),
        new("max_completion_tokens", IgnoredByBots, "integer, from −1", "Same as `max_tokens`.", FieldChecks.Integer(-1, long.MaxValue)),
        new("stop", IgnoredByBots, "string or up to 4 strings", "", CheckStop),
        new("reasoning_effort", IgnoredByBots, "string", "", FieldChecks.String),
        new("verbosity", IgnoredByBots, "string", "", FieldChecks.String),
        new("service_tier", IgnoredByBots, "string", "", FieldChecks.String),
        new("store", Ignored, "boolean", "A setting of the tenant decides whether conversations are stored.", FieldChecks.Boolean),
        new("parallel_tool_calls", IgnoredByBots, "boolean", "", FieldChecks.Boolean),
        new("prompt_cache_key", IgnoredByBots, "string", "", FieldChecks.String),
        new("prompt_cache_retention", IgnoredByBots, "string", "", FieldChecks.String),
        new("prompt_cache_options", IgnoredByBots, "object", "", JsonInput.CheckObject),
        new("moderation", IgnoredByBots, "any", ""),

        new(
            "tools", RejectedByBots, "array",
            "An empty array is accepted, and any array with `tool_choice: \"none\"`: a bot's tools are part of the bot."),
        new("tool_choice", RejectedByBots, "string or object", "`none` and `auto` are accepted.", CheckToolChoice),
        new("functions", Rejected, "array", "Same as `tools`, with `function_call: \"none\"`."),
        new("function_call", Rejected, "string or object", "`none` and `auto` are accepted.", CheckToolChoice),
        new(
            "response_format", RejectedByBots, "object", "`{\"type\":\"text\"}` is accepted: the format of a bot's output cannot be forced.",
            CheckResponseFormat),
        new("logprobs", Rejected, "boolean", "`false` is accepted: replies have no token probabilities, whichever model answers.", CheckLogProbs),
        new("top_logprobs", Rejected, "integer, 0–20", "`0` is accepted.", CheckTopLogProbs),
        new("modalities", Rejected, "array of strings", "`[\"text\"]` is accepted.", CheckModalities),
        new("audio", Rejected, "object", "Replies are text.", RejectAlways("bots reply with text only")),
        new("prediction", RejectedByBots, "object", "", RejectAlways("bots take no predicted output")),
        new(
            "web_search_options", RejectedByBots, "object", "Whether a bot searches the web is part of the bot.",
            RejectAlways("whether a bot searches the web is part of the bot")));

    /// <summary>Checks the fields of a request.</summary>
    /// <param name="root">The body.</param>
    /// <param name="rules">What its model does with them.</param>
    /// <returns>The fields that ask for something and are ignored, because the rules say so.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static IReadOnlyList<string> Check(JsonElement root, ModelRules rules)
    {
        var ignored = new List<string>();
        Table.Check(root, withSettings: !rules.HonoursSettings, (field, value, path) =>
        {
            var isIgnored = !rules.HonoursSettings && (field == "response_format" ? !rules.RefusesFormat : IsToolField(field) && !rules.RefusesTools);
            if (isIgnored && AsksForSomething(field, value, path)) ignored.Add(field);
            return isIgnored;
        });
        if (!rules.HonoursSettings && rules.RefusesTools) CheckTools(root, "tools", "tool_choice");
        if (rules.HonoursSettings || rules.RefusesTools) CheckTools(root, "functions", "function_call");
        return ignored;
    }

    private static bool IsToolField(string field) => field is "tools" or "tool_choice" or "functions" or "function_call";

    private static bool AsksForSomething(string field, JsonElement value, JsonFieldPath path)
    {
        switch (field)
        {
            case "tools" or "functions":
                JsonInput.CheckArray(value, path);
                return value.GetArrayLength() > 0;
            case "response_format":
                return ReadFormat(value, path) != "text";
            default:
                return ReadToolChoice(value, path) == "required";
        }
    }

    // Tools can only be accepted if the client allows that they are not called.
    private static void CheckTools(JsonElement root, string tools, string choice)
    {
        if (JsonInput.FindMember(root, tools) is not { } value) return;
        var path = JsonFieldPath.Root[tools];
        JsonInput.CheckArray(value, path);
        var none = JsonInput.FindMember(root, choice) is { ValueKind: JsonValueKind.String } chosen && chosen.ValueEquals("none"u8);
        if (value.GetArrayLength() == 0 || none) return;
        throw FieldChecks.NotSupported(path, $"a bot's tools are part of the bot and cannot be given with a request; omit it or send {choice} \"none\"");
    }

    private static Action<JsonElement, JsonFieldPath> RejectAlways(string reason) => (_, path) => throw FieldChecks.NotSupported(path, reason + "; omit it");

    private static void CheckStop(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            JsonInput.ReadString(value, path);
            return;
        }
        if (value.ValueKind != JsonValueKind.Array) throw path.Mistyped("a string or an array of strings", value);
        if (value.GetArrayLength() > MaxStops) throw path.Invalid($"Invalid '{path}': expected at most {MaxStops} strings.");
        CheckStrings(value, path);
    }

    private static void CheckToolChoice(JsonElement value, JsonFieldPath path)
    {
        if (ReadToolChoice(value, path) == "required")
            throw FieldChecks.NotSupported(path, "a bot chooses its tools itself; send \"none\" or \"auto\"");
    }

    private static string ReadToolChoice(JsonElement value, JsonFieldPath path)
    {
        var choice = value.ValueKind == JsonValueKind.Object ? "required" : JsonInput.ReadString(value, path);
        return choice is "none" or "auto" or "required"
            ? choice
            : throw path.Invalid($"Invalid value for '{path}': expected \"none\", \"auto\", \"required\" or an object.");
    }

    private static void CheckResponseFormat(JsonElement value, JsonFieldPath path)
    {
        if (ReadFormat(value, path) != "text")
        {
            throw FieldChecks.NotSupported(
                path, "the format of a bot's output cannot be forced; send {\"type\":\"text\"} and ask for JSON in the prompt");
        }
    }

    private static string ReadFormat(JsonElement value, JsonFieldPath path)
    {
        JsonInput.CheckObject(value, path);
        var type = path["type"];
        var format = JsonInput.ReadString(JsonInput.GetMember(value, "type", path), type);
        return format is "text" or "json_object" or "json_schema"
            ? format
            : throw type.Invalid($"Invalid value for '{type}': expected \"text\", \"json_object\" or \"json_schema\".");
    }

    private static void CheckLogProbs(JsonElement value, JsonFieldPath path)
    {
        if (JsonInput.ReadBoolean(value, path)) throw FieldChecks.NotSupported(path, NoProbabilities + "; send false or omit it");
    }

    private static void CheckTopLogProbs(JsonElement value, JsonFieldPath path)
    {
        if (JsonInput.ReadInteger(value, path, 0, 20) > 0) throw FieldChecks.NotSupported(path, NoProbabilities + "; send 0 or omit it");
    }

    private static void CheckModalities(JsonElement value, JsonFieldPath path)
    {
        JsonInput.CheckArray(value, path);
        CheckStrings(value, path);
        foreach (var item in value.EnumerateArray())
        {
            if (!item.ValueEquals("text"u8)) throw FieldChecks.NotSupported(path, "bots reply with text only; send [\"text\"] or omit it");
        }
    }

    private static void CheckStrings(JsonElement array, JsonFieldPath path)
    {
        var index = 0;
        foreach (var item in array.EnumerateArray()) JsonInput.ReadString(item, path[index++]);
    }
}
