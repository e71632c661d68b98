using System.Buffers;
using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>Builds a reply from the chunks of a chat completion.</summary>
/// <param name="turn">The turn.</param>
/// <param name="requestId">The server's id of the request; null if it sent none.</param>
internal sealed class OpenAiReply(UpstreamTurn turn, string? requestId)
{
    private const string MessageId = "message";

    private readonly List<PartialCall> _calls = [];
    private int _answer = -1;
    private int _reasoning = -1;
    private int _arguments;
    private bool _isIdentified;
    private bool _hasTextAfterReason;
    private string? _finishReason;

    /// <summary>Whether the reply has ended, completely or with an error.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Whether the server has said why the reply ends. Only the number of tokens may follow.</summary>
    public bool HasFinishReason => _finishReason is not null;

    /// <summary>Whether only the number of tokens can follow. Some servers give a reason with every chunk: then it says nothing.</summary>
    public bool IsEndExpected => HasFinishReason && !_hasTextAfterReason;

    /// <summary>The error that the server reported; null without one.</summary>
    public Error? Failure { get; private set; }

    /// <summary>Reads one chunk.</summary>
    /// <exception cref="JsonException">It is not JSON of this kind.</exception>
    public void OnChunk(ReadOnlySpan<byte> data, IReplySink sink)
    {
        var chunk = OpenAiChunk.Read(data);
        if (chunk.IsError)
        {
            Fail(OpenAiErrors.ToError(OpenAiRefusal.Parse(LenientJson.TryParse(data) ?? default)), sink);
            return;
        }
        if (!_isIdentified && !chunk.Id.IsEmpty) Identify(chunk.Id.ToString(), chunk.Model.ToString(), sink);
        if (!chunk.Usage.IsEmpty && LenientJson.TryParse(chunk.Usage) is { } usage) SetUsage(usage, sink);
        if (!chunk.Reasoning.IsEmpty) Append(ref _reasoning, TextKind.Reasoning, chunk.Reasoning, sink);
        if (!chunk.Content.IsEmpty) Append(ref _answer, TextKind.Answer, chunk.Content, sink);
        if (!chunk.ContentParts.IsEmpty && LenientJson.TryParse(chunk.ContentParts) is { } parts) AppendParts(parts, TextKind.Answer, sink);
        // A model that refuses says so in its answer; clients of other APIs know no other place.
        if (!chunk.Refusal.IsEmpty) Append(ref _answer, TextKind.Answer, chunk.Refusal, sink);
        if (!chunk.ToolCalls.IsEmpty && LenientJson.TryParse(chunk.ToolCalls) is { } calls) AddCalls(calls, sink);
        if (HasFinishReason && !(chunk.Reasoning.IsEmpty && chunk.Content.IsEmpty && chunk.ContentParts.IsEmpty && chunk.ToolCalls.IsEmpty))
            _hasTextAfterReason = true;
        if (!chunk.FinishReason.IsEmpty && chunk.FinishReason.ToString() is var reason and not "null") _finishReason = reason;
    }

    /// <summary>Ends the reply when the stream has ended.</summary>
    /// <returns>False if the server has not said why the reply ends: it was cut.</returns>
    public bool OnStreamEnd(IReplySink sink)
    {
        if (HasEnded) return true;
        if (_finishReason is null) return false;
        if (_finishReason is "error" or "insufficient_system_resource")
        {
            Fail(new Error(ErrorCode.UpstreamFailed, $"The model's server ended the reply with '{_finishReason}'."), sink);
            return true;
        }
        var reason = _finishReason switch
        {
            "length" or "max_tokens" or "model_length" => FinishReason.Length,
            "content_filter" => FinishReason.ContentFilter,
            _ => _calls.Count > 0 ? FinishReason.ToolCalls : FinishReason.Stop,
        };
        if (reason == FinishReason.ToolCalls && _calls.Exists(call => call.Name.Length == 0))
        {
            Fail(new Error(ErrorCode.UpstreamProtocol, "The model's server sent a tool call without a name."), sink);
            return true;
        }
        HasEnded = true;
        // The calls of a reply that was cut are not complete.
        if (reason == FinishReason.ToolCalls) AddItems(sink);
        sink.Complete(reason);
        return true;
    }

    /// <summary>Ends the reply with an error.</summary>
    public void Fail(Error error, IReplySink sink)
    {
        if (HasEnded) return;
        HasEnded = true;
        Failure = error;
        sink.Fail(error);
    }

    /// <summary>Reads the numbers of tokens, under the names of either API.</summary>
    public static Usage? ReadUsage(JsonElement usage)
    {
        var input = usage.GetNumber("prompt_tokens"u8) ?? usage.GetNumber("input_tokens"u8);
        var output = usage.GetNumber("completion_tokens"u8) ?? usage.GetNumber("output_tokens"u8);
        if (input is null && output is null) return null;
        var inputDetails = usage.GetMember("prompt_tokens_details"u8) is { ValueKind: JsonValueKind.Object } chat
            ? chat
            : usage.GetMember("input_tokens_details"u8);
        var outputDetails = usage.GetMember("completion_tokens_details"u8) is { ValueKind: JsonValueKind.Object } details
            ? details
            : usage.GetMember("output_tokens_details"u8);
        return new Usage(input ?? 0, output ?? 0, usage.GetNumber("total_tokens"u8) ?? (input ?? 0) + (output ?? 0))
        {
            CachedInputTokens = inputDetails.GetNumber("cached_tokens"u8) ?? usage.GetNumber("prompt_cache_hit_tokens"u8),
            CacheWriteTokens = inputDetails.GetNumber("cache_write_tokens"u8),
            ReasoningTokens = outputDetails.GetNumber("reasoning_tokens"u8),
        };
    }

    /// <summary>Appends text of a stream to a part.</summary>
    public static void Append(IReplySink sink, int part, JsonText text)
    {
        var chars = ArrayPool<char>.Shared.Rent(text.MaxChars);
        sink.Append(part, chars.AsSpan(0, text.Decode(chars)));
        ArrayPool<char>.Shared.Return(chars);
    }

    /// <summary>Parts are texts, or reasoning that consists of texts itself.</summary>
    private void AppendParts(JsonElement parts, TextKind kind, IReplySink sink)
    {
        foreach (var part in parts.GetItems())
        {
            var thinking = part.GetMember("thinking"u8);
            if (thinking.ValueKind == JsonValueKind.Array) AppendParts(thinking, TextKind.Reasoning, sink);
            var isThought = kind == TextKind.Reasoning || thinking.ValueKind == JsonValueKind.String;
            var text = thinking.ValueKind == JsonValueKind.String ? thinking.GetText() : part.GetText("text"u8);
            if (string.IsNullOrEmpty(text)) continue;
            ref var open = ref isThought ? ref _reasoning : ref _answer;
            if (open < 0) open = sink.Open(MessageId, isThought ? TextKind.Reasoning : TextKind.Answer);
            sink.Append(open, text);
        }
    }

    private static void Append(ref int part, TextKind kind, JsonText text, IReplySink sink)
    {
        if (part < 0) part = sink.Open(MessageId, kind);
        Append(sink, part, text);
    }

    private static void SetUsage(JsonElement usage, IReplySink sink)
    {
        if (ReadUsage(usage) is { } read) sink.SetUsage(read);
    }

    private void Identify(string id, string model, IReplySink sink)
    {
        _isIdentified = true;
        var ids = new Dictionary<string, string> { ["id"] = UpstreamText.Clean(id) };
        if (model.Length > 0) ids["model"] = UpstreamText.Clean(model);
        if (requestId is not null) ids["request_id"] = requestId;
        sink.Identify(new UpstreamHandle(turn.Bot.Id, turn.Account.Id, OpenAiUpstream.UpstreamName, ids));
    }

    private void AddCalls(JsonElement calls, IReplySink sink)
    {
        foreach (var call in calls.GetItems())
        {
            var function = call.GetMember("function"u8);
            var id = call.GetText("id"u8);
            var name = function.GetText("name"u8);
            var arguments = function.GetText("arguments"u8) ?? "";
            var partial = FindCall(call.GetNumber("index"u8), id, name, arguments);
            if (partial is null)
            {
                if (_calls.Count >= OpenAiLimits.MaxToolCalls)
                {
                    Fail(new Error(ErrorCode.UpstreamProtocol, $"The model called more than {OpenAiLimits.MaxToolCalls} tools at once."), sink);
                    return;
                }
                _calls.Add(partial = new PartialCall(call.GetNumber("index"u8) ?? _calls.Count));
            }
            if (!string.IsNullOrEmpty(id)) partial.Id = id;
            // Some servers repeat the name in every chunk, none splits it.
            if (!string.IsNullOrEmpty(name)) partial.Name = name;
            partial.Append(arguments);
            _arguments += arguments.Length + (id?.Length ?? 0) + (name?.Length ?? 0);
            if (_arguments <= OpenAiLimits.MaxArguments) continue;
            Fail(new Error(ErrorCode.UpstreamProtocol, "The arguments of the model's tool calls are too long."), sink);
            return;
        }
    }

    /// <summary>
    /// Finds the call that a piece belongs to. Some servers send no index, or the index 0 for all calls. Then a new id begins a new call, and without ids a
    /// name does after the end of the arguments, unless the piece only repeats the name.
    /// </summary>
    private PartialCall? FindCall(long? index, string? id, string? name, string arguments)
    {
        var found = index is { } given ? _calls.FindLast(call => call.Index == given) : _calls.LastOrDefault();
        if (found is null || string.IsNullOrEmpty(name)) return found;
        if (!string.IsNullOrEmpty(id) && found.Id.Length > 0) return id == found.Id ? found : null;
        if (found.Arguments.Length == 0) return found.Name.Length == 0 || name == found.Name ? found : null;
        return found.IsWhole && (name != found.Name || !string.IsNullOrWhiteSpace(arguments)) ? null : found;
    }

    private void AddItems(IReplySink sink)
    {
        var used = new HashSet<string>();
        foreach (var call in _calls.OrderBy(call => call.Index))
        {
            var id = call.Id.Length > 0 ? call.Id : $"call_{used.Count}";
            if (!used.Add(id)) used.Add(id = $"{id}_{used.Count}");
            // Clients parse the arguments as JSON, and a call without arguments has empty ones.
            var arguments = call.Arguments.ToString();
            sink.Add(new ToolCallItem(id, call.Name, string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments, ForClient: true));
        }
    }

    private sealed class PartialCall(long index)
    {
        public long Index => index;

        public string Id { get; set; } = "";

        public string Name { get; set; } = "";

        public StringBuilder Arguments { get; } = new();

        /// <summary>Whether the arguments are a whole JSON object.</summary>
        public bool IsWhole { get; private set; }

        private int _depth;
        private bool _isText;
        private bool _isEscaped;

        public void Append(string piece)
        {
            Arguments.Append(piece);
            foreach (var c in piece)
            {
                if (_isEscaped) _isEscaped = false;
                else if (_isText) (_isEscaped, _isText) = (c == '\\', c != '"');
                else if (c == '"') _isText = true;
                else if (c is '{' or '[') _depth++;
                else if (c is '}' or ']') IsWhole = --_depth == 0;
            }
        }
    }
}
