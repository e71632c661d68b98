using System.Buffers;
using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// Translates the events of a stream into the parts, ids, usage and end of one reply. Text blocks that follow each other are one answer, because Claude cuts
/// a text at its citations. Not thread-safe.
/// </summary>
/// <param name="turn">The turn.</param>
/// <param name="answerTool">The tool whose input is the answer; null without one.</param>
/// <param name="requestId">Claude's id of the request.</param>
internal sealed class ClaudeReply(UpstreamTurn turn, string? answerTool, string? requestId)
{
    private const int None = -1;

    private readonly ClaudeUsage _usage = new();
    private string _partId = "";
    private Block? _block;
    private int _blocks;
    private int _part = None;
    private TextKind _partKind;
    private bool _hasAnswer;
    private readonly HashSet<string> _callIds = new(StringComparer.Ordinal);
    private bool _hasCalls;
    private bool _isCutCall;
    private string? _stopReason;

    /// <summary>Whether the reply has ended. Later events are ignored.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The error with which the reply ended; null if there is none.</summary>
    public Error? Failure { get; private set; }

    /// <summary>Claude's id of the message; null while it is unknown.</summary>
    public string? MessageId { get; private set; }

    private enum BlockKind
    {
        Text,
        Thinking,
        Tool,
        AnswerTool,
        ServerTool,
        Other,
    }

    /// <summary>A whole message, from a server that does not stream.</summary>
    public void OnMessage(JsonElement message, IReplySink sink)
    {
        Start(message, sink);
        foreach (var content in message.GetMember("content"u8).GetItems()) StartBlock(None, content, sink);
        if (message.GetText("stop_reason"u8) is { Length: > 0 } reason) _stopReason = reason;
        OnMessageStop(sink);
    }

    public void OnMessageStart(JsonElement data, IReplySink sink) => Start(data.GetMember("message"u8), sink);

    private void Start(JsonElement message, IReplySink sink)
    {
        var ids = new Dictionary<string, string>();
        if (message.GetText("id"u8) is { Length: > 0 } id) ids["message_id"] = MessageId = UpstreamText.Clean(id);
        if (message.GetText("model"u8) is { Length: > 0 } model) ids["model"] = UpstreamText.Clean(model);
        if (requestId is { Length: > 0 }) ids["request_id"] = requestId;
        sink.Identify(new UpstreamHandle(turn.Bot.Id, turn.Account.Id, ClaudeUpstream.UpstreamName, ids));
        _usage.Update(message.GetMember("usage"u8), sink);
    }

    public void OnBlockStart(JsonElement data, IReplySink sink) =>
        StartBlock((int)(data.GetNumber("index"u8) ?? None), data.GetMember("content_block"u8), sink);

    private void StartBlock(int index, JsonElement content, IReplySink sink)
    {
        // A block without its end is complete when the next begins.
        if (_block is { } open) EndBlock(open, sink);
        if (++_blocks > ClaudeLimits.MaxBlocks) throw Broken($"more than {ClaudeLimits.MaxBlocks} content blocks");
        var type = content.GetText("type"u8);
        var name = content.GetText("name"u8) ?? "";
        var kind = type switch
        {
            "text" => BlockKind.Text,
            "thinking" => BlockKind.Thinking,
            "tool_use" => name == answerTool ? BlockKind.AnswerTool : BlockKind.Tool,
            "server_tool_use" => BlockKind.ServerTool,
            _ => BlockKind.Other,
        };
        var isRepeatedAnswer = kind == BlockKind.AnswerTool && _hasAnswer;
        _block = new Block(index, kind, content.GetText("id"u8) ?? "", name, content.GetMember("input"u8), isRepeatedAnswer);
        if (kind == BlockKind.Text && content.GetText("text"u8) is { Length: > 0 } text) Append(TextKind.Answer, text, sink);
        if (kind == BlockKind.Thinking && content.GetText("thinking"u8) is { Length: > 0 } thinking) Append(TextKind.Reasoning, thinking, sink);
        if (kind is BlockKind.Text or BlockKind.Thinking || type is "redacted_thinking" or null) return;
        ClosePart(sink);
        if (kind == BlockKind.Other) sink.Add(new OtherItem($"{MessageId}-{_blocks}", UpstreamText.Clean(type), content.GetRawText()));
    }

    public void OnDelta(scoped in ClaudeDelta delta, IReplySink sink)
    {
        if (delta.Content.IsEmpty) return;
        if (_block is not { } block || block.Index != delta.Index)
        {
            // Without this part, a call would have other arguments than the model has written.
            if (delta.Type.Is("input_json_delta"u8)) throw Broken("a part of a tool call outside of its block");
            return;
        }
        var length = delta.Content.MaxChars;
        var chars = ArrayPool<char>.Shared.Rent(length);
        try
        {
            var text = chars.AsSpan(0, delta.Content.Decode(chars));
            if (delta.Type.Is("text_delta"u8) && block.Kind == BlockKind.Text) Append(TextKind.Answer, text, sink);
            else if (delta.Type.Is("thinking_delta"u8) && block.Kind == BlockKind.Thinking) Append(TextKind.Reasoning, text, sink);
            else if (delta.Type.Is("input_json_delta"u8)) AddInput(block, text, sink);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(chars);
        }
    }

    public void OnBlockStop(JsonElement data, IReplySink sink)
    {
        if (_block is { } block && block.Index == (data.GetNumber("index"u8) ?? None)) EndBlock(block, sink);
    }

    public void OnMessageDelta(JsonElement data, IReplySink sink)
    {
        if (data.GetMember("delta"u8).GetText("stop_reason"u8) is { Length: > 0 } reason) _stopReason = reason;
        _usage.Update(data.GetMember("usage"u8), sink);
    }

    public void OnMessageStop(IReplySink sink)
    {
        if (_block is { } open) EndBlock(open, sink);
        var reason = _stopReason switch
        {
            null => throw Broken("the end of a message without its reason"),
            "max_tokens" or "model_context_window_exceeded" => FinishReason.Length,
            "refusal" => FinishReason.ContentFilter,
            _ when _isCutCall => throw Broken("a tool call whose input is not a JSON object"),
            // Some servers give another reason.
            _ when _hasCalls => FinishReason.ToolCalls,
            _ => FinishReason.Stop,
        };
        HasEnded = true;
        sink.Complete(reason);
    }

    public void OnError(JsonElement data, IReplySink sink)
    {
        HasEnded = true;
        Failure = ClaudeErrors.ToError(ClaudeRefusal.Parse(data, requestId));
        sink.Fail(Failure);
    }

    private void EndBlock(Block block, IReplySink sink)
    {
        _block = null;
        if (block.Kind == BlockKind.AnswerTool)
        {
            // Without deltas, the whole input may be in the start.
            if (!block.HasInput && !block.IsRepeatedAnswer) Append(TextKind.Answer, block.GetInput(), sink);
            _hasAnswer = true;
            ClosePart(sink);
        }
        if (block.Kind is BlockKind.Tool or BlockKind.ServerTool) AddCall(block, sink);
        if (block.Kind == BlockKind.Thinking) ClosePart(sink);
    }

    private void AddInput(Block block, ReadOnlySpan<char> json, IReplySink sink)
    {
        block.HasInput = true;
        if (block.Kind == BlockKind.AnswerTool)
        {
            if (!block.IsRepeatedAnswer) Append(TextKind.Answer, json, sink);
            return;
        }
        if (block.Kind is not (BlockKind.Tool or BlockKind.ServerTool)) return;
        if (block.Input.Length + json.Length > ClaudeLimits.MaxToolInput) throw Broken($"a tool call with more than {ClaudeLimits.MaxToolInput} characters");
        block.Input.Append(json);
    }

    // A call whose input is not complete was cut by the length limit. The end of the message shows whether this is so.
    private void AddCall(Block block, IReplySink sink)
    {
        var input = block.GetInput();
        if (block.Name.Length == 0 || LenientJson.TryParse(input) is not { ValueKind: JsonValueKind.Object })
        {
            _isCutCall = true;
            return;
        }
        var isClients = block.Kind == BlockKind.Tool;
        _hasCalls |= isClients;
        // The reply keeps one call of each id.
        var id = block.Id.Length > 0 && _callIds.Add(block.Id) ? block.Id : $"{MessageId}-{_blocks}";
        sink.Add(new ToolCallItem(id, block.Name, input, ForClient: isClients));
    }

    private void Append(TextKind kind, ReadOnlySpan<char> text, IReplySink sink)
    {
        if (_part == None || _partKind != kind)
        {
            ClosePart(sink);
            _partId = $"{MessageId}-{_blocks}";
            _part = sink.Open(_partId, kind);
            _partKind = kind;
        }
        sink.Append(_part, text);
    }

    private void ClosePart(IReplySink sink)
    {
        if (_part != None) sink.Close(_part);
        _part = None;
    }

    private static ClusterException Broken(string what) => new(ErrorCode.UpstreamProtocol, $"Claude sent {what}.");

    /// <summary>The content block that is being received.</summary>
    private sealed class Block(int index, BlockKind kind, string id, string name, JsonElement firstInput, bool isRepeatedAnswer)
    {
        public int Index => index;
        public BlockKind Kind => kind;
        public string Id => id;
        public string Name => name;

        /// <summary>Whether the answer has been given already. A model may call its answer tool twice at once.</summary>
        public bool IsRepeatedAnswer => isRepeatedAnswer;

        public bool HasInput { get; set; }
        public StringBuilder Input { get; } = new();

        /// <summary>The input as JSON text. A call without arguments has no deltas.</summary>
        public string GetInput()
        {
            if (Input.Length > 0) return Input.ToString();
            return firstInput.ValueKind == JsonValueKind.Object ? firstInput.GetRawText() : "{}";
        }
    }
}

/// <summary>Sums up the usage of a reply. The start and the deltas of a message each have some of the numbers, and the last one of each counts.</summary>
internal sealed class ClaudeUsage
{
    private long? _input;
    private long? _cacheRead;
    private long? _cacheWrite;
    private long? _output;
    private long? _reasoning;

    public void Update(JsonElement usage, IReplySink sink)
    {
        if (usage.ValueKind != JsonValueKind.Object) return;
        _input = usage.GetNumber("input_tokens"u8) ?? _input;
        _cacheRead = usage.GetNumber("cache_read_input_tokens"u8) ?? _cacheRead;
        _cacheWrite = usage.GetNumber("cache_creation_input_tokens"u8) ?? _cacheWrite;
        _output = usage.GetNumber("output_tokens"u8) ?? _output;
        _reasoning = usage.GetMember("output_tokens_details"u8).GetNumber("thinking_tokens"u8) ?? _reasoning;
        // Claude's input tokens are those that are neither read from nor written to the cache.
        var input = (_input ?? 0) + (_cacheRead ?? 0) + (_cacheWrite ?? 0);
        var output = _output ?? 0;
        sink.SetUsage(new Usage(input, output, input + output)
        {
            CachedInputTokens = _cacheRead,
            CacheWriteTokens = _cacheWrite,
            ReasoningTokens = _reasoning,
        });
    }
}
