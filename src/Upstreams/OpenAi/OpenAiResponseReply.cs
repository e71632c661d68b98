using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>Builds a reply from the events of a response, or from a response as a whole.</summary>
/// <param name="turn">The turn.</param>
/// <param name="requestId">The server's id of the request; null if it sent none.</param>
/// <param name="isBackground">Whether the server continues the response when its connection is lost.</param>
internal sealed class OpenAiResponseReply(UpstreamTurn turn, string? requestId, bool isBackground)
{
    /// <summary>The name of a background response's id in handles.</summary>
    public const string ResponseIdName = "response_id";

    private readonly OpenAiResponseTexts _texts = new();
    private readonly OpenAiResponseCalls _calls = new();
    private bool _isIdentified;

    /// <summary>The id by which a background response can be read again; null until it is known.</summary>
    public string? ResponseId { get; private set; }

    /// <summary>Whether the reply has ended, completely or with an error.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The error that the server reported; null without one.</summary>
    public Error? Failure { get; private set; }

    /// <summary>The id of the background response in a handle; null if the handle has none.</summary>
    public static string? IdOf(UpstreamHandle handle) =>
        handle.Ids.TryGetValue(ResponseIdName, out var id) && IsUsable(id) ? id : null;

    /// <summary>A reply that was identified before.</summary>
    public static OpenAiResponseReply Resume(UpstreamTurn turn, string responseId) =>
        new(turn, requestId: null, isBackground: true) { ResponseId = responseId, _isIdentified = true };

    /// <summary>Handles an event. Ignores unknown ones.</summary>
    /// <returns>
    /// False if the event is an error that says nothing about the response: a background response may continue, and whoever reads it again finds out.
    /// </returns>
    /// <exception cref="JsonException">The event is not JSON of its kind.</exception>
    public bool OnEvent(scoped in OpenAiEvent happened, ReadOnlySpan<byte> data, IReplySink sink)
    {
        var type = happened.Type;
        if (type.Is("response.output_text.delta"u8) || type.Is("response.refusal.delta"u8))
            _texts.Append(happened.OutputIndex, happened.PartIndex, happened.Delta, sink);
        else if (type.Is("response.output_text.done"u8) || type.Is("response.refusal.done"u8))
            _texts.Finish(happened.OutputIndex, happened.PartIndex, happened.Text, sink);
        else if (type.Is("response.reasoning_summary_text.delta"u8))
            _texts.AppendReasoning(happened.OutputIndex, happened.PartIndex, happened.Delta, sink);
        else if (type.Is("response.reasoning_text.delta"u8))
            _texts.AppendReasoning(happened.OutputIndex, -1 - happened.PartIndex, happened.Delta, sink);
        else if (type.Is("response.output_item.done"u8)) OnItem(Parse(happened.Item), happened.OutputIndex, sink);
        else if (type.Is("response.function_call_arguments.delta"u8) || type.Is("response.function_call_arguments.done"u8))
            _calls.Begin(happened.OutputIndex);
        else if (type.Is("response.created"u8) || type.Is("response.in_progress"u8) || type.Is("response.queued"u8))
            Identify(Parse(happened.Response), sink);
        else if (type.Is("response.completed"u8)) OnResponse(Parse(happened.Response), "completed", sink);
        else if (type.Is("response.incomplete"u8)) OnResponse(Parse(happened.Response), "incomplete", sink);
        else if (type.Is("response.failed"u8)) OnResponse(Parse(happened.Response), "failed", sink);
        else if (type.Is("response.cancelled"u8)) OnResponse(Parse(happened.Response), "cancelled", sink);
        else if (type.IsEmpty && happened.IsResponse) OnResponse(Parse(data), status: null, sink);
        else if (type.Is("error"u8) || (type.IsEmpty && happened.HasError)) return OnError(data, sink);
        return true;
    }

    /// <summary>Handles an error in the stream.</summary>
    /// <returns>See <see cref="OnEvent"/>.</returns>
    public bool OnError(ReadOnlySpan<byte> data, IReplySink sink)
    {
        var error = OpenAiErrors.ToError(OpenAiRefusal.Parse(LenientJson.TryParse(data) ?? default));
        if (ResponseId is not null && IsTransient(error.Code)) return false;
        Fail(error, sink);
        return true;
    }

    /// <summary>Handles a response as a whole: at the end of its stream, or when it was read without a stream.</summary>
    /// <returns>Whether the response has ended.</returns>
    public bool OnResponse(JsonElement response, string? status, IReplySink sink)
    {
        if (HasEnded) return true;
        Identify(response, sink);
        if (OpenAiReply.ReadUsage(response.GetMember("usage"u8)) is { } usage) sink.SetUsage(usage);
        switch (status ?? response.GetText("status"u8))
        {
            case "completed":
                Complete(response, FinishReason.Stop, sink);
                break;
            case "incomplete":
                var reason = response.GetMember("incomplete_details"u8).GetText("reason"u8);
                Complete(response, reason == "content_filter" ? FinishReason.ContentFilter : FinishReason.Length, sink);
                break;
            case "failed":
                Fail(OpenAiErrors.ToError(OpenAiRefusal.Parse(response.GetMember("error"u8))), sink);
                break;
            case "cancelled":
                Fail(new Error(ErrorCode.Cancelled, "The response was cancelled at the model's server."), sink);
                break;
        }
        return HasEnded;
    }

    /// <summary>Ends the reply with an error.</summary>
    public void Fail(Error error, IReplySink sink)
    {
        if (HasEnded) return;
        HasEnded = true;
        Failure = error;
        sink.Fail(error);
    }

    /// <summary>Whether a request that failed like this may succeed a moment later.</summary>
    public static bool IsTransient(ErrorCode code) =>
        code is ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamFailed or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamRateLimited;

    private void Complete(JsonElement response, FinishReason reason, IReplySink sink)
    {
        var output = response.GetMember("output"u8);
        _texts.SetAll(output, sink);
        if (reason == FinishReason.Stop)
        {
            // The calls of a reply that was cut are not complete.
            if (_calls.SetAll(output) is { } error)
            {
                Fail(error, sink);
                return;
            }
            foreach (var call in _calls.Items) sink.Add(call);
            if (_calls.Items.Count > 0) reason = FinishReason.ToolCalls;
        }
        HasEnded = true;
        sink.Complete(reason);
    }

    private void OnItem(JsonElement item, long outputIndex, IReplySink sink)
    {
        if (item.GetText("type"u8) == "reasoning") _texts.CloseReasoning(outputIndex, sink);
        else if (_calls.Add(item) is { } error) Fail(error, sink);
    }

    private void Identify(JsonElement response, IReplySink sink)
    {
        if (_isIdentified || response.GetText("id"u8) is not { Length: > 0 } id) return;
        _isIdentified = true;
        if (isBackground && IsUsable(id)) ResponseId = id;
        var ids = new Dictionary<string, string> { [ResponseId is null ? "id" : ResponseIdName] = ResponseId ?? UpstreamText.Clean(id) };
        if (response.GetText("model"u8) is { Length: > 0 } model) ids["model"] = UpstreamText.Clean(model);
        if (requestId is not null) ids["request_id"] = requestId;
        sink.Identify(new UpstreamHandle(turn.Bot.Id, turn.Account.Id, OpenAiUpstream.UpstreamName, ids));
    }

    // The id becomes a part of paths.
    private static bool IsUsable(string id) =>
        id.Length is > 0 and <= OpenAiLimits.MaxResponseId && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') && UpstreamText.Clean(id) == id;

    private static JsonElement Parse(ReadOnlySpan<byte> json) =>
        LenientJson.TryParse(json) is { ValueKind: JsonValueKind.Object } parsed ? parsed : throw new JsonException("An event lacks its object.");
}

/// <summary>The tool calls of a response.</summary>
internal sealed class OpenAiResponseCalls
{
    private readonly List<ToolCallItem> _items = [];
    private readonly HashSet<long> _begun = [];
    private long _length;

    /// <summary>The calls, in the order of the output.</summary>
    public IReadOnlyList<ToolCallItem> Items => _items;

    /// <summary>The arguments of a call arrive. Its item repeats them, with the name and the id of the call.</summary>
    public void Begin(long output)
    {
        if (_begun.Count <= OpenAiLimits.MaxToolCalls) _begun.Add(output);
    }

    /// <summary>Adds an item of the output if it is a call.</summary>
    /// <returns>An error if the item is a call that breaks a rule or a limit; otherwise null.</returns>
    public Error? Add(JsonElement item)
    {
        if (item.GetText("type"u8) != "function_call" || item.GetText("status"u8) == "incomplete") return null;
        if (item.GetText("name"u8) is not { Length: > 0 } name) return Broken("The model's server sent a tool call without a name.");
        if (_items.Count >= OpenAiLimits.MaxToolCalls) return Broken($"The model called more than {OpenAiLimits.MaxToolCalls} tools at once.");
        var id = item.GetText("call_id"u8) is { Length: > 0 } callId ? callId : item.GetText("id"u8) is { Length: > 0 } own ? own : $"call_{_items.Count}";
        if (_items.Exists(other => other.Id == id)) id = $"{id}_{_items.Count}";
        var arguments = item.GetText("arguments"u8) ?? "";
        _length += arguments.Length + name.Length + id.Length;
        if (_length > OpenAiLimits.MaxArguments) return Broken("The arguments of the model's tool calls are too long.");
        // Clients parse the arguments as JSON, and a call without arguments has empty ones.
        _items.Add(new ToolCallItem(id, name, string.IsNullOrWhiteSpace(arguments) ? "{}" : arguments, ForClient: true));
        return null;
    }

    /// <summary>Replaces the calls by those of a whole output, unless it has none: some servers leave the last event's output empty.</summary>
    /// <inheritdoc cref="Add"/>
    public Error? SetAll(JsonElement output)
    {
        if (!output.GetItems().Any(item => item.GetText("type"u8) == "function_call"))
            return _begun.Count <= _items.Count ? null : Broken("The model's server ended a response without one of its tool calls.");
        _items.Clear();
        _length = 0;
        return output.GetItems().Select(Add).FirstOrDefault(error => error is not null);
    }

    private static Error Broken(string message) => new(ErrorCode.UpstreamProtocol, message);
}
