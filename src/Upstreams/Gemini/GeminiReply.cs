using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>One thing that happened in a reply, before it is written into the reply log.</summary>
internal abstract record GeminiEvent
{
    /// <summary>Text or reasoning.</summary>
    public sealed record Text(TextKind Kind, string Delta) : GeminiEvent;

    /// <summary>A tool call.</summary>
    public sealed record Call(ToolCallItem Item) : GeminiEvent;

    /// <summary>An image, as base64, which is to be kept.</summary>
    public sealed record Image(string MediaType, JsonElement Data) : GeminiEvent;

    /// <summary>An image with an address.</summary>
    public sealed record Kept(string Url) : GeminiEvent;

    /// <summary>The numbers of tokens.</summary>
    public sealed record Counted(Usage Usage) : GeminiEvent;

    /// <summary>The ids of the reply.</summary>
    public sealed record Identified(UpstreamHandle Handle) : GeminiEvent;

    /// <summary>The end of a complete reply.</summary>
    public sealed record Ended(FinishReason Reason) : GeminiEvent;

    /// <summary>The end of a reply that failed.</summary>
    public sealed record Failed(Error Error) : GeminiEvent;
}

/// <summary>Translates the records of a stream into events. Not thread-safe.</summary>
/// <param name="turn">The turn.</param>
/// <param name="answerTool">The tool whose arguments are the answer; null without one.</param>
/// <param name="ids">The ids of tool calls.</param>
/// <param name="time">The clock.</param>
internal sealed class GeminiReply(UpstreamTurn turn, string? answerTool, GeminiCallIds ids, TimeProvider time)
{
    private Usage? _usage;
    private readonly HashSet<string> _callIds = new(StringComparer.Ordinal);
    private bool _hasPartsAfterReason;
    private (string Reason, string? Message)? _finish;
    private bool _hasAnswer;
    private int _images;
    private string? _modelVersion;

    /// <summary>Whether the reply has ended. Later records are ignored.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Whether Gemini has said why the reply ends. Only the numbers of tokens may follow.</summary>
    public bool HasFinishReason => _finish is not null;

    /// <summary>Whether only the numbers of tokens can follow. Some servers give a reason with every record: then it says nothing.</summary>
    public bool IsEndExpected => HasFinishReason && !_hasPartsAfterReason;

    /// <summary>Gemini's id of the reply; null while it is unknown.</summary>
    public string? ResponseId { get; private set; }

    /// <summary>Reads a record.</summary>
    /// <param name="data">A whole object of a reply, with the parts that are new; or several in an array, as the API answers without <c>alt=sse</c>.</param>
    /// <param name="events">Receives what happened.</param>
    /// <exception cref="JsonException">The data is not a JSON object.</exception>
    public void OnRecord(ReadOnlySpan<byte> data, List<GeminiEvent> events)
    {
        if (LenientJson.TryParse(data) is not { ValueKind: JsonValueKind.Object or JsonValueKind.Array } json)
            throw new JsonException("A reply must be an object.");
        if (json.ValueKind == JsonValueKind.Object)
        {
            ReadReply(json, events);
            return;
        }
        foreach (var reply in json.GetItems())
        {
            if (!HasEnded) ReadReply(reply, events);
        }
    }

    private void ReadReply(JsonElement json, List<GeminiEvent> events)
    {
        if (GeminiRefusal.Parse(json) is { } refusal)
        {
            End(new GeminiEvent.Failed(GeminiErrors.ToError(refusal, time)), events);
            return;
        }
        ReadIds(json, events);
        foreach (var candidate in json.GetMember("candidates"u8).GetItems())
        {
            // One candidate is asked for.
            if (candidate.GetNumber("index"u8) is > 0) continue;
            foreach (var part in candidate.GetMember("content"u8).GetMember("parts"u8).GetItems())
            {
                ReadPart(part, events);
                if (HasEnded) return;
                if (HasFinishReason) _hasPartsAfterReason = true;
            }
            if (candidate.GetText("finishReason"u8) is { Length: > 0 } reason && reason != "FINISH_REASON_UNSPECIFIED")
                _finish = (reason, candidate.GetText("finishMessage"u8));
        }
        var usage = json.GetMember("usageMetadata"u8);
        ReadUsage(usage, events);
        if (_finish is not null)
        {
            // Some servers count the tokens later, in a record of its own.
            if (usage.ValueKind == JsonValueKind.Object) OnStreamEnd(events);
        }
        else if (json.GetMember("promptFeedback"u8) is var feedback && feedback.GetText("blockReason"u8) is { Length: > 0 } blocked
            && blocked is not ("BLOCK_REASON_UNSPECIFIED" or "BLOCKED_REASON_UNSPECIFIED"))
        {
            End(new GeminiEvent.Failed(GeminiErrors.Blocked(blocked, feedback.GetText("blockReasonMessage"u8))), events);
        }
    }

    /// <summary>Ends the reply when the stream has ended. Gemini must have said why it ends.</summary>
    public void OnStreamEnd(List<GeminiEvent> events)
    {
        var finish = _finish!.Value;
        var (complete, error) = GeminiErrors.MapFinish(finish.Reason, finish.Message, _callIds.Count > 0);
        End(error is null ? new GeminiEvent.Ended(complete!.Value) : new GeminiEvent.Failed(error), events);
    }

    private void End(GeminiEvent end, List<GeminiEvent> events)
    {
        HasEnded = true;
        events.Add(end);
    }

    private void ReadPart(JsonElement part, List<GeminiEvent> events)
    {
        var isThought = part.GetMember("thought"u8).ValueKind == JsonValueKind.True;
        if (part.GetText("text"u8) is { Length: > 0 } text)
            events.Add(new GeminiEvent.Text(isThought ? TextKind.Reasoning : TextKind.Answer, text));
        if (part.GetMember("functionCall"u8) is { ValueKind: JsonValueKind.Object } call)
        {
            if (call.GetText("name"u8) is not { Length: > 0 } name)
            {
                End(new GeminiEvent.Failed(new Error(ErrorCode.UpstreamProtocol, "Gemini sent a tool call without a name.")), events);
                return;
            }
            var given = call.GetMember("args"u8);
            var arguments = given.ValueKind == JsonValueKind.Object ? given.GetText()! : "{}";
            if (name == answerTool)
            {
                // A model may call the tool twice at once.
                if (!_hasAnswer) events.Add(new GeminiEvent.Text(TextKind.Answer, arguments));
                _hasAnswer = true;
                return;
            }
            var signature = part.GetText("thoughtSignature"u8);
            var id = ids.Create(call.GetText("id"u8), signature);
            // The reply keeps one call of each id.
            if (!_callIds.Add(id)) _callIds.Add(id = ids.Create(null, signature));
            events.Add(new GeminiEvent.Call(new ToolCallItem(id, name, arguments, ForClient: true)));
        }
        // Images among the thoughts are drafts.
        if (!isThought && part.GetMember("inlineData"u8) is { ValueKind: JsonValueKind.Object } file && _images < GeminiLimits.MaxImages
            && file.GetMember("data"u8) is { ValueKind: JsonValueKind.String } data)
        {
            _images++;
            events.Add(new GeminiEvent.Image(file.GetText("mimeType"u8) ?? "", data));
        }
    }

    private void ReadIds(JsonElement json, List<GeminiEvent> events)
    {
        if (ResponseId is not null || json.GetText("responseId"u8) is not { Length: > 0 } id) return;
        ResponseId = UpstreamText.Clean(id);
        _modelVersion = UpstreamText.Clean(json.GetText("modelVersion"u8));
        var known = new Dictionary<string, string> { ["response_id"] = ResponseId };
        if (_modelVersion.Length > 0) known["model"] = _modelVersion;
        events.Add(new GeminiEvent.Identified(new UpstreamHandle(turn.Bot.Id, turn.Account.Id, GeminiApi.UpstreamName, known)));
    }

    // The numbers are those of the reply so far.
    private void ReadUsage(JsonElement usage, List<GeminiEvent> events)
    {
        if (usage.GetNumber("promptTokenCount"u8) is not { } prompt) return;
        var candidates = usage.GetNumber("candidatesTokenCount"u8) ?? 0;
        var thoughts = usage.GetNumber("thoughtsTokenCount"u8);
        var input = prompt + (usage.GetNumber("toolUsePromptTokenCount"u8) ?? 0);
        // Some versions count thoughts among the candidates. The total shows it.
        var total = usage.GetNumber("totalTokenCount"u8);
        var output = total == input + candidates ? candidates : candidates + (thoughts ?? 0);
        var counted = new Usage(input, output, Math.Max(total ?? 0, input + output))
        {
            CachedInputTokens = usage.GetNumber("cachedContentTokenCount"u8),
            ReasoningTokens = thoughts,
        };
        if (counted == _usage) return;
        _usage = counted;
        events.Add(new GeminiEvent.Counted(counted));
    }
}
