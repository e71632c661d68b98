using System.Collections.Concurrent;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>The state of the fake OpenAI. Tests read here which completions were requested and how they ended, and wait for them.</summary>
public sealed partial class FakeOpenAi
{
    private const int MaxCompletions = 10_000;

    private readonly ConcurrentQueue<OpenAiCompletion> _completions = new();
    private readonly ConcurrentDictionary<string, OpenAiResponse> _responses = new();
    private readonly ConcurrentDictionary<HttpContext, bool> _streams = new();
    private TaskCompletionSource _change = NewChange();
    private long _sequence;

    internal FakeOpenAi(SandboxOptions options)
    {
        Time = options.Time;
        EchoPace = options.EchoPace;
        Scripts = new ScriptQueue<ChatScript>(ChatDirectives.Parser, ChatScript.Default with { Seed = options.Seed });
    }

    /// <summary>A token that is accepted.</summary>
    public const string Token = "sk-openai-sandbox-1234567890";

    /// <summary>A token whose account has no credit left.</summary>
    public const string TokenWithoutCredit = "sk-openai-sandbox-no-credit";

    /// <summary>The model that the fake has.</summary>
    public const string Model = "gpt-sandbox";

    /// <summary>The completions and responses since the start or the last reset, oldest first. Refused requests are not included.</summary>
    public IReadOnlyList<OpenAiCompletion> Completions => [.. _completions];

    internal TimeProvider Time { get; }

    internal TimeSpan EchoPace { get; }

    internal ScriptQueue<ChatScript> Scripts { get; }

    /// <summary>Sets directives for the next completions; see <see cref="FakeCoze.Script"/>.</summary>
    /// <exception cref="ArgumentException">A directive is invalid; the message names it.</exception>
    public void Script(string directives, int? times = 1)
    {
        try
        {
            Scripts.Add(directives, times);
        }
        catch (DirectiveException error)
        {
            throw new ArgumentException(error.Message, nameof(directives));
        }
    }

    /// <summary>Waits until a condition is true. The condition is checked whenever the state changes.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task WaitForAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = Volatile.Read(ref _change).Task;
            if (condition()) return;
            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Forgets all completions and scripts.</summary>
    public void Reset()
    {
        _completions.Clear();
        ForgetResponses();
        _tasks.Clear();
        Scripts.Clear();
        NotifyChanged();
    }

    /// <summary>Breaks the connections of all streams of responses. Background responses continue.</summary>
    public void BreakStreams()
    {
        foreach (var (http, _) in _streams) http.Abort();
    }

    /// <summary>Forgets all stored responses, as if they had expired. Their streams break.</summary>
    public void ForgetResponses()
    {
        foreach (var (_, response) in _responses) Forget(response);
        BreakStreams();
    }

    internal void Keep(OpenAiResponse response) => _responses[response.Id] = response;

    internal OpenAiResponse? FindResponse(string id) => _responses.GetValueOrDefault(id);

    internal void Forget(OpenAiResponse response)
    {
        _responses.TryRemove(response.Id, out _);
        response.SetStatus(null, "cancelled");
        response.Stop.Cancel();
        response.Completion.SetDeleted();
    }

    /// <summary>Counts a stream as open until the result is disposed.</summary>
    internal IDisposable AddStream(HttpContext http)
    {
        _streams[http] = true;
        return new OpenStream(() => _streams.TryRemove(http, out _));
    }

    /// <summary>The time between two pieces of a text.</summary>
    internal TimeSpan PaceOf(ChatScript script) =>
        script is { Pace: null, Say: null, IsGenerated: false } ? EchoPace : script.Pace ?? TimeSpan.Zero;

    internal OpenAiCompletion Add(string idPrefix, string token, string body, string prompt, string model, bool isStream)
    {
        var completion = new OpenAiCompletion(this, idPrefix, Interlocked.Increment(ref _sequence), token, body, prompt, model, isStream);
        _completions.Enqueue(completion);
        while (_completions.Count > MaxCompletions && _completions.TryDequeue(out var oldest))
            _responses.TryRemove(oldest.Id, out _);
        NotifyChanged();
        return completion;
    }

    internal void NotifyChanged() => Interlocked.Exchange(ref _change, NewChange()).TrySetResult();

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class OpenStream(Action close) : IDisposable
    {
        public void Dispose() => close();
    }
}

/// <summary>One completion or response that was requested.</summary>
public sealed class OpenAiCompletion
{
    private readonly FakeOpenAi _fake;
    private volatile bool _clientGone;
    private volatile bool _isCancelled;
    private volatile bool _isDeleted;
    private volatile string? _reply;
    private int _deltasSent;

    internal OpenAiCompletion(FakeOpenAi fake, string idPrefix, long sequence, string token, string body, string prompt, string model, bool isStream)
    {
        _fake = fake;
        Sequence = sequence;
        Id = $"{idPrefix}{sequence}";
        Token = token;
        Body = body;
        Prompt = prompt;
        Model = model;
        IsStream = isStream;
    }

    /// <summary>Its number, from 1.</summary>
    public long Sequence { get; }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>The token of the request.</summary>
    public string Token { get; }

    /// <summary>The JSON of the request.</summary>
    public string Body { get; }

    /// <summary>The text of the last user message, without directives.</summary>
    public string Prompt { get; }

    /// <summary>The requested model.</summary>
    public string Model { get; }

    /// <summary>Whether the client asked for a stream.</summary>
    public bool IsStream { get; }

    /// <summary>Whether the client disconnected before the end.</summary>
    public bool ClientGone => _clientGone;

    /// <summary>Whether the response was cancelled by a request.</summary>
    public bool IsCancelled => _isCancelled;

    /// <summary>Whether the response is not stored any more.</summary>
    public bool IsDeleted => _isDeleted;

    /// <summary>The text of the whole reply; null until it has ended.</summary>
    public string? Reply => _reply;

    /// <summary>How many pieces of text were sent.</summary>
    public int DeltasSent => Volatile.Read(ref _deltasSent);

    internal void CountDelta()
    {
        Interlocked.Increment(ref _deltasSent);
        _fake.NotifyChanged();
    }

    internal void End(string reply)
    {
        _reply = reply;
        _fake.NotifyChanged();
    }

    internal void SetCancelled()
    {
        _isCancelled = true;
        _fake.NotifyChanged();
    }

    internal void SetDeleted()
    {
        _isDeleted = true;
        _fake.NotifyChanged();
    }

    internal void SetClientGone()
    {
        _clientGone = true;
        _fake.NotifyChanged();
    }
}
