using System.Collections.Concurrent;
using System.Globalization;

namespace CozeCluster.Sandbox.Claude;

/// <summary>How a message of the fake Claude ended.</summary>
public enum ClaudeMessageStatus
{
    /// <summary>It is being produced.</summary>
    Running,

    /// <summary>It is complete.</summary>
    Completed,

    /// <summary>It ended with an error, or its connection was cut by its script.</summary>
    Failed,

    /// <summary>The client disconnected, and nothing more was produced.</summary>
    Abandoned,
}

/// <summary>A request that the fake Claude accepted, and its reply.</summary>
public sealed class ClaudeRecord
{
    internal ClaudeRecord(string id, string model, string key, string? beta, string body) => (Id, Model, Key, Beta, Body) = (id, model, key, beta, body);

    /// <summary>The id of the message.</summary>
    public string Id { get; }

    /// <summary>The model.</summary>
    public string Model { get; }

    /// <summary>The API key.</summary>
    public string Key { get; }

    /// <summary>The header <c>anthropic-beta</c>.</summary>
    public string? Beta { get; }

    /// <summary>The request as it was received, JSON.</summary>
    public string Body { get; }

    /// <summary>The text of the reply.</summary>
    public string Text { get; internal set; } = "";

    /// <summary>The thinking of the reply.</summary>
    public string Thinking { get; internal set; } = "";

    /// <summary>How it ended.</summary>
    public ClaudeMessageStatus Status { get; internal set; }

    /// <summary>The number of deltas that were produced.</summary>
    public int Deltas { get; internal set; }
}

/// <summary>The state of the fake Claude. Tests read here what was requested and how it ended, and wait for it.</summary>
public sealed class FakeClaude
{
    /// <summary>The API key of an account that may use all models.</summary>
    public const string Key = "sk-ant-sandbox";

    private readonly SandboxOptions _options;
    private readonly ConcurrentQueue<ClaudeRecord> _messages = new();
    private readonly ConcurrentDictionary<string, int> _refusals = new();
    private TaskCompletionSource _change = NewChange();
    private long _count;

    internal FakeClaude(SandboxOptions options)
    {
        _options = options;
        Scripts = new ScriptQueue<ClaudeScript>(ClaudeDirectives.Parser, ClaudeScript.Default with { Seed = options.Seed });
    }

    /// <summary>The accepted requests since the start or the last reset, oldest first.</summary>
    public IReadOnlyList<ClaudeRecord> Messages => [.. _messages];

    /// <summary>How many requests were refused, by the type of the error.</summary>
    public IReadOnlyDictionary<string, int> Refusals => new Dictionary<string, int>(_refusals);

    internal TimeProvider Time => _options.Time;
    internal TimeSpan EchoPace => _options.EchoPace;
    internal ScriptQueue<ClaudeScript> Scripts { get; }

    /// <summary>Sets directives for the next messages, as in <c>[[…]]</c> of a prompt. The directives of a prompt override them.</summary>
    /// <param name="directives">The directives; <c>docs/sandbox.md</c> lists them.</param>
    /// <param name="times">For how many messages. Null: for all until the next reset.</param>
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

    /// <summary>Waits until a message matches, and returns the oldest that does.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task<ClaudeRecord> WaitForMessageAsync(Func<ClaudeRecord, bool> matches, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = Volatile.Read(ref _change);
            if (_messages.FirstOrDefault(matches) is { } found) return found;
            await change.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Returns to the initial state: no messages and no scripts.</summary>
    public void Reset()
    {
        _messages.Clear();
        _refusals.Clear();
        Scripts.Clear();
        NotifyChanged();
    }

    internal string NewId(string prefix) =>
        string.Create(CultureInfo.InvariantCulture, $"{prefix}_sandbox{_options.Time.GetUtcNow().ToUnixTimeSeconds():x}{Interlocked.Increment(ref _count):d7}");

    internal void Add(ClaudeRecord message)
    {
        _messages.Enqueue(message);
        while (_messages.Count > _options.KeepChats) _messages.TryDequeue(out _);
        NotifyChanged();
    }

    internal void CountRefusal(string type) => _refusals.AddOrUpdate(type, 1, static (_, count) => count + 1);

    internal void NotifyChanged() => Interlocked.Exchange(ref _change, NewChange()).TrySetResult();

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
