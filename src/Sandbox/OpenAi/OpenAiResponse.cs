using System.Text;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>An event of a response.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Json">Its data.</param>
/// <param name="IsDelta">Whether it is a piece of the answer.</param>
/// <param name="IsBehindText">Whether it is the first behind the last piece.</param>
internal sealed record OpenAiResponseEvent(string Type, string Json, bool IsDelta, bool IsBehindText);

/// <summary>A response: its events so far, which any number of streams read, and its state.</summary>
internal sealed class OpenAiResponse(FakeOpenAi fake, OpenAiCompletion completion, OpenAiPlan plan, WireFormat format, bool isBackground, bool isStored)
{
    private readonly Lock _gate = new();
    private readonly List<OpenAiResponseEvent> _events = [];
    private readonly List<string> _output = [];
    private readonly long _createdAt = fake.Time.GetUtcNow().ToUnixTimeSeconds();
    private TaskCompletionSource _change = NewChange();
    private string _error = "null";
    private string _incomplete = "null";
    private bool _isBehindText;

    public OpenAiCompletion Completion => completion;

    public string Id => completion.Id;

    public WireFormat Format => format;

    public bool IsBackground => isBackground;

    /// <summary>Stops the model.</summary>
    public CancellationTokenSource Stop { get; } = new();

    public string Status { get; private set; } = isBackground ? "queued" : "in_progress";

    public bool HasEnded => Status is not ("queued" or "in_progress");

    /// <summary>Begins or ends the response, and adds an event with all of it.</summary>
    /// <param name="type">The event.</param>
    /// <param name="status">The new status.</param>
    /// <param name="error">Why it has failed; null otherwise.</param>
    /// <param name="incompleteReason">Why it is not complete; null otherwise.</param>
    public void SetStatus(string? type, string status, OpenAiError? error = null, string? incompleteReason = null)
    {
        lock (_gate)
        {
            if (HasEnded) return;
            Status = status;
            if (error is not null) _error = $$"""{"code":"{{error.Code}}","message":{{OpenAiError.Quote(error.Message)}}}""";
            if (incompleteReason is not null) _incomplete = $$"""{"reason":"{{incompleteReason}}"}""";
            if (type is not null) AddEvent(type, $"\"response\":{ToJson()}", isDelta: false);
        }
        NotifyChanged();
    }

    /// <summary>Adds an event.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="members">Its members as JSON, without the type and the number.</param>
    /// <param name="isDelta">Whether it is a piece of the answer.</param>
    public void Add(string type, string members, bool isDelta = false)
    {
        lock (_gate)
        {
            if (HasEnded) return;
            AddEvent(type, members, isDelta);
        }
        NotifyChanged();
    }

    /// <summary>Adds the event of an item that is complete.</summary>
    public void AddItem(string item)
    {
        lock (_gate)
        {
            if (HasEnded) return;
            _output.Add(item);
            AddEvent("response.output_item.done", $"\"output_index\":{_output.Count - 1},\"item\":{item}", isDelta: false);
        }
        NotifyChanged();
    }

    /// <summary>All pieces of the answer have been added.</summary>
    public void EndText()
    {
        lock (_gate) _isBehindText = true;
    }

    /// <summary>Waits for an event.</summary>
    /// <param name="number">The number of the event.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The event; null if the response has ended without it.</returns>
    public async ValueTask<OpenAiResponseEvent?> GetEventAsync(int number, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (number < _events.Count) return _events[number];
                if (HasEnded) return null;
                change = _change.Task;
            }
            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits for the end of the response.</summary>
    public async Task WaitForEndAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (HasEnded) return;
                change = _change.Task;
            }
            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The response as the API writes it.</summary>
    public string ToJson()
    {
        lock (_gate)
        {
            var json = new StringBuilder();
            json.Append($$"""{"id":"{{Id}}","object":"response","created_at":{{_createdAt}},"status":"{{Status}}","background":{{Write(isBackground)}},""");
            json.Append($$""" "error":{{_error}},"incomplete_details":{{_incomplete}},"instructions":null,"metadata":{},"model":"{{completion.Model}}",""");
            json.Append($""" "output":[{string.Join(',', _output)}],"parallel_tool_calls":true,"temperature":1,"tool_choice":"auto","tools":[],"top_p":1,""");
            json.Append($$""" "store":{{Write(isStored)}},"usage":{{(Status is "completed" or "incomplete" && plan.HasUsage ? Usage() : "null")}}}""");
            return json.ToString();
        }
    }

    private string Usage()
    {
        var (input, output) = (plan.InputTokens, plan.OutputTokens);
        var reasoning = (plan.Reasoning?.Text.Length ?? 0) / 4;
        return $$"""{"input_tokens":{{input}},"input_tokens_details":{"cached_tokens":{{input / 2}}},"output_tokens":{{output}},"""
            + $$""" "output_tokens_details":{"reasoning_tokens":{{reasoning}}},"total_tokens":{{input + output}}}""";
    }

    private void AddEvent(string type, string members, bool isDelta)
    {
        var json = $$"""{"type":"{{type}}","sequence_number":{{_events.Count}},{{members}}}""";
        _events.Add(new OpenAiResponseEvent(type, json, isDelta, _isBehindText));
        _isBehindText = false;
    }

    private void NotifyChanged()
    {
        Interlocked.Exchange(ref _change, NewChange()).TrySetResult();
        fake.NotifyChanged();
    }

    private static string Write(bool value) => value ? "true" : "false";

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
