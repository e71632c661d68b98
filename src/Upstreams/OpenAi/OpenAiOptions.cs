using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>What a fleet needs to know about OpenAI's API.</summary>
public static class OpenAiApi
{
    /// <summary>The URL of OpenAI's API.</summary>
    public const string DefaultBaseUrl = "https://api.openai.com/v1";
}

/// <summary>The options of a bot (<see cref="BotDefinition.Options"/>) that only OpenAI-compatible servers have.</summary>
public sealed record OpenAiBotOptions
{
    private const string FieldPrefix = "field.";
    private const string Known =
        "api, background, instructions_role, max_tokens_field, reasoning_summary, send_reasoning, send_user, store, stream_usage, field.<name>";

    /// <summary>Option <c>api</c>: whether turns are sent to the Responses API (<c>responses</c>) or as chat completions (<c>chat</c>, the default).</summary>
    public bool UsesResponses { get; init; }

    /// <summary>
    /// Option <c>background</c>: whether the server continues a response when its connection is lost, so that a turn survives its node. Only with
    /// <see cref="UsesResponses"/>. The server keeps the response until the turn has ended. Default false.
    /// </summary>
    public bool IsBackground { get; init; }

    /// <summary>
    /// Option <c>reasoning_summary</c>: <c>auto</c>, <c>concise</c> or <c>detailed</c>, the summary of its reasoning that a model sends. Only with
    /// <see cref="UsesResponses"/>. Default: none.
    /// </summary>
    public string? ReasoningSummary { get; init; }

    /// <summary>Option <c>instructions_role</c>: the role of instructions, <c>system</c> (default) or <c>developer</c>.</summary>
    public string InstructionsRole { get; init; } = "system";

    /// <summary>
    /// Option <c>max_tokens_field</c>: <c>max_tokens</c> or <c>max_completion_tokens</c>. Default: the latter for OpenAI's own servers and Azure's, the former
    /// for all others.
    /// </summary>
    public string? MaxTokensField { get; init; }

    /// <summary>Option <c>stream_usage</c>: whether the server is asked to count tokens. Default true.</summary>
    public bool StreamUsage { get; init; } = true;

    /// <summary>
    /// Option <c>send_reasoning</c>: whether the history contains the reasoning of earlier answers, as <c>reasoning_content</c>. Not with
    /// <see cref="UsesResponses"/>. Default: for the servers of DeepSeek and Moonshot, whose thinking models refuse tool calls without it. Other servers refuse
    /// the field (Groq, Mistral) or do not know it.
    /// </summary>
    public bool? SendReasoning { get; init; }

    /// <summary>Option <c>send_user</c>: whether the end user is sent as <c>user</c>. Default false, because some servers refuse the field.</summary>
    public bool SendUser { get; init; }

    /// <summary>
    /// Option <c>store</c>: whether the server may store exchanges, with the client's metadata. Without it, a response of <see cref="IsBackground"/> is deleted
    /// when its turn has ended. Default false.
    /// </summary>
    public bool Store { get; init; }

    /// <summary>Options <c>field.&lt;name&gt;</c>: further fields of the request's body. The values are JSON.</summary>
    public IReadOnlyDictionary<string, string> Fields { get; init; } = new Dictionary<string, string>();

    /// <summary>Parses options.</summary>
    /// <param name="options">The names and values in the fleet.</param>
    /// <param name="parsed">The parsed options, without the invalid ones.</param>
    /// <param name="errors">What was expected, by the name of each invalid option.</param>
    /// <returns>Whether all options are valid.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out OpenAiBotOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new OpenAiBotOptions();
        var fields = new Dictionary<string, string>();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            var expected = name switch
            {
                "api" => value is "chat" or "responses" ? null : "expected chat or responses",
                "reasoning_summary" => value is "auto" or "concise" or "detailed" ? null : "expected auto, concise or detailed",
                "instructions_role" => value is "system" or "developer" ? null : "expected system or developer",
                "max_tokens_field" => value is "max_tokens" or "max_completion_tokens" ? null : "expected max_tokens or max_completion_tokens",
                "stream_usage" or "send_reasoning" or "send_user" or "store" or "background" => value is "true" or "false" ? null : "expected true or false",
                _ when name.Length > FieldPrefix.Length && name.StartsWith(FieldPrefix, StringComparison.Ordinal) =>
                    LenientJson.IsJson(value) ? null : "expected JSON; a text needs quotes",
                _ => $"unknown; bots of openai have {Known}",
            };
            if (expected is not null) invalid[name] = expected;
            else if (name.StartsWith(FieldPrefix, StringComparison.Ordinal)) fields[name[FieldPrefix.Length..]] = value;
            else parsed = parsed.With(name, value);
        }
        if (parsed.UsesResponses && options.GetValueOrDefault("send_reasoning") == "true") invalid.TryAdd("send_reasoning", "needs the option api: chat");
        foreach (var name in (string[])["background", "reasoning_summary"])
        {
            if (!parsed.UsesResponses && options.TryGetValue(name, out var value) && value != "false") invalid.TryAdd(name, "needs the option api: responses");
        }
        parsed = parsed with { Fields = fields, IsBackground = parsed is { UsesResponses: true, IsBackground: true } };
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of a bot.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static OpenAiBotOptions Parse(BotDefinition bot) =>
        TryParse(bot.Options, out var parsed, out var errors) ? parsed : throw OptionErrors.ToException($"Bot '{bot.Id}'", errors);

    private OpenAiBotOptions With(string name, string value) => name switch
    {
        "api" => this with { UsesResponses = value == "responses" },
        "background" => this with { IsBackground = value == "true" },
        "reasoning_summary" => this with { ReasoningSummary = value },
        "instructions_role" => this with { InstructionsRole = value },
        "max_tokens_field" => this with { MaxTokensField = value },
        "stream_usage" => this with { StreamUsage = value == "true" },
        "send_reasoning" => this with { SendReasoning = value == "true" },
        "send_user" => this with { SendUser = value == "true" },
        "store" => this with { Store = value == "true" },
        _ => this,
    };
}

/// <summary>The options of an account (<see cref="AccountDefinition.Options"/>) that only OpenAI-compatible servers have.</summary>
public sealed record OpenAiAccountOptions
{
    /// <summary>Option <c>organization</c>: the header <c>OpenAI-Organization</c>.</summary>
    public string? Organization { get; init; }

    /// <summary>Option <c>project</c>: the header <c>OpenAI-Project</c>.</summary>
    public string? Project { get; init; }

    /// <inheritdoc cref="OpenAiBotOptions.TryParse"/>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out OpenAiAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new OpenAiAccountOptions();
        var invalid = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            if (name is not ("organization" or "project")) invalid[name] = "unknown; accounts of openai have organization, project";
            else if (value.Length == 0 || value.Any(c => c is <= ' ' or > '~')) invalid[name] = "expected printable ASCII characters, no spaces";
            else parsed = name == "project" ? parsed with { Project = value } : parsed with { Organization = value };
        }
        errors = invalid;
        return invalid.Count == 0;
    }

    /// <summary>Parses the options of an account.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamFailed"/>: some are invalid; the message names them all.</exception>
    internal static OpenAiAccountOptions Parse(AccountDefinition account) =>
        TryParse(account.Options, out var parsed, out var errors) ? parsed : throw OptionErrors.ToException($"Account '{account.Id}'", errors);
}
