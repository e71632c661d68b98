using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>One request for a reply, as the fake Gemini has received it.</summary>
/// <param name="Sequence">Its number, from 1.</param>
/// <param name="Model">The model.</param>
/// <param name="Key">The key.</param>
/// <param name="Prompt">The last text of the user, without directives.</param>
/// <param name="Request">The body.</param>
public sealed record GeminiCall(long Sequence, string Model, string Key, string Prompt, JsonObject Request)
{
    /// <summary>The text of the answer that was planned; empty for function calls.</summary>
    public string Answer { get; internal set; } = "";

    /// <summary>How many records with text were sent.</summary>
    public int ChunksSent { get; internal set; }

    /// <summary>Whether nothing more will be sent.</summary>
    public bool Ended { get; internal set; }

    /// <summary>Whether the client has closed the connection before the end.</summary>
    public bool ClientGone { get; internal set; }
}

/// <summary>The state of the fake Gemini. Tests read here what was requested, and wait for it.</summary>
public sealed class FakeGemini
{
    /// <summary>The key that is valid.</summary>
    public const string Key = "gemini-sandbox-key";

    /// <summary>A key that has expired.</summary>
    public const string ExpiredKey = "gemini-sandbox-expired";

    private const int MaxCalls = 10_000;

    private readonly SandboxOptions _options;
    private readonly ConcurrentQueue<GeminiCall> _calls = new();
    private readonly ConcurrentDictionary<string, bool> _signatures = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource? _change;
    private long _sequence;

    internal FakeGemini(SandboxOptions options)
    {
        _options = options;
        Scripts = new ScriptQueue<GeminiScript>(GeminiDirectives.Parser, GeminiScript.Default with { Seed = options.Seed });
    }

    /// <summary>The requests since the start or the last reset, oldest first. Refused requests are not included.</summary>
    public IReadOnlyList<GeminiCall> Calls => [.. _calls];

    internal TimeProvider Time => _options.Time;
    internal ScriptQueue<GeminiScript> Scripts { get; }

    /// <summary>Cancelled when the server stops.</summary>
    internal CancellationToken Stopping => _stop.Token;

    /// <summary>Sets directives for the next replies, as in <c>[[…]]</c> of a prompt. The directives of a prompt override them.</summary>
    /// <param name="directives">The directives; <c>docs/sandbox.md</c> lists them.</param>
    /// <param name="times">For how many replies. Null: for all until the next reset.</param>
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

    /// <summary>Waits until a request matches, and returns the oldest that does.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task<GeminiCall> WaitForCallAsync(Func<GeminiCall, bool> matches, CancellationToken cancellationToken)
    {
        while (true)
        {
            var created = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var change = Interlocked.CompareExchange(ref _change, created, null) ?? created;
            if (_calls.FirstOrDefault(matches) is { } found) return found;
            await change.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Forgets all requests, scripts and signatures.</summary>
    public void Reset()
    {
        _calls.Clear();
        _signatures.Clear();
        Scripts.Clear();
        NotifyChanged();
    }

    internal void StopAll() => _stop.Cancel();

    internal GeminiCall Add(string model, string key, string prompt, JsonObject request)
    {
        var call = new GeminiCall(Interlocked.Increment(ref _sequence), model, key, prompt, request);
        _calls.Enqueue(call);
        while (_calls.Count > MaxCalls) _calls.TryDequeue(out _);
        NotifyChanged();
        return call;
    }

    /// <summary>Creates the signature of a function call.</summary>
    internal string Sign(int bytes)
    {
        var signature = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(bytes));
        _signatures[signature] = true;
        return signature;
    }

    internal bool HasSigned(string signature) => _signatures.ContainsKey(signature);

    internal void NotifyChanged()
    {
        if (Volatile.Read(ref _change) is not null) Interlocked.Exchange(ref _change, null)?.TrySetResult();
    }
}
