using System.Collections.Frozen;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Chat;

/// <summary>Every field of a chat completion request that the gateway knows. Unknown fields pass. The documentation and the OpenAPI document follow this table.</summary>
internal static class ChatFields
{
    private const FieldUse Honoured = FieldUse.Honoured;
    private const FieldUse Ignored = FieldUse.Ignored;
    private const FieldUse Refused = FieldUse.Refused;

    public static IReadOnlyList<RequestField> All { get; } =
    [
        new("model", Honoured, "string", "A model of `GET /v1/models`. Required."),
        new("messages", Honoured, "array", "The prompt, at least one message. Required."),
        new("stream", Honoured, "boolean", "Whether to answer with server-sent events. Default false."),
        new("stream_options", Honoured, "object", "`include_usage`: a last chunk with token counts. Only with `stream`. `include_obfuscation` is ignored."),
        new("user", Honoured, "string", "Your end user: keeps memories at the bot apart."),
        new("safety_identifier", Honoured, "string", "The same as `user`, which wins if both are given."),
        new("metadata", Honoured, "object, up to 16 strings", "Passed on to the bot's platform. Keys up to 64 characters, values up to 512."),
        new("conversation_id", Honoured, "string, 1–256 characters", "Extension. Continues the conversation of that name, or begins it. Also as header `x-conversation-id`."),
        new("custom_variables", Honoured, "object of strings", "Extension. Variables of the bot's prompt."),

        new("temperature", Ignored, "number, 0–2", "The bot has its own.", FieldChecks.Number(0, 2)),
        new("top_p", Ignored, "number, 0–1", "The bot has its own.", FieldChecks.Number(0, 1)),
        new("presence_penalty", Ignored, "number, −2–2", "", FieldChecks.Number(-2, 2)),
        new("frequency_penalty", Ignored, "number, −2–2", "", FieldChecks.Number(-2, 2)),
        new("logit_bias", Ignored, "object", "", JsonInput.Object),
        new("seed", Ignored, "integer", "", FieldChecks.Integer(long.MinValue, long.MaxValue)),
        new("max_tokens", Ignored, "integer, from 0", "The bot has its own limit; a reply cut by it ends with `length`.", FieldChecks.Integer(0, long.MaxValue)),
        new("max_completion_tokens", Ignored, "integer, from 0", "As `max_tokens`.", FieldChecks.Integer(0, long.MaxValue)),
        new("stop", Ignored, "string or up to 4 strings", "", FieldChecks.Stop),
        new("reasoning_effort", Ignored, "string", "", FieldChecks.String),
        new("verbosity", Ignored, "string", "", FieldChecks.String),
        new("service_tier", Ignored, "string", "", FieldChecks.String),
        new("store", Ignored, "boolean", "Whether conversations are stored is the tenant's setting.", FieldChecks.Boolean),
        new("parallel_tool_calls", Ignored, "boolean", "", FieldChecks.Boolean),
        new("prompt_cache_key", Ignored, "string", "", FieldChecks.String),
        new("prompt_cache_retention", Ignored, "string", "", FieldChecks.String),
        new("prompt_cache_options", Ignored, "object", "", JsonInput.Object),
        new("moderation", Ignored, "any", ""),

        new("n", Refused, "integer, 1–128", "`1` passes: a bot gives one reply.", FieldChecks.N),
        new("tools", Refused, "array", "An empty array passes, and any with `tool_choice: \"none\"`: a bot's tools are part of the bot."),
        new("tool_choice", Refused, "string or object", "`none` and `auto` pass.", FieldChecks.ToolChoice),
        new("functions", Refused, "array", "As `tools`, with `function_call: \"none\"`."),
        new("function_call", Refused, "string or object", "`none` and `auto` pass.", FieldChecks.ToolChoice),
        new("response_format", Refused, "object", "`{\"type\":\"text\"}` passes: a bot's output cannot be forced into a form.", FieldChecks.ResponseFormat),
        new("logprobs", Refused, "boolean", "`false` passes.", FieldChecks.LogProbs),
        new("top_logprobs", Refused, "integer, 0–20", "`0` passes.", FieldChecks.TopLogProbs),
        new("modalities", Refused, "array of strings", "`[\"text\"]` passes.", FieldChecks.Modalities),
        new("audio", Refused, "object", "Replies are text.", FieldChecks.Never("spoken replies")),
        new("prediction", Refused, "object", "", FieldChecks.Never("predicted output")),
        new("web_search_options", Refused, "object", "A bot searches if it was built to.", FieldChecks.Never("web search on request")),
    ];

    private static readonly FrozenDictionary<string, RequestField> ByName = All.ToFrozenDictionary(field => field.Name);

    /// <summary>The field of that name; null if the gateway does not know it.</summary>
    public static RequestField? Find(string name) => ByName.GetValueOrDefault(name);
}
