using System.Collections.Concurrent;
using CozeCluster.Sandbox.Coze.Accounts;
using CozeCluster.Sandbox.Coze.Chats;
using CozeCluster.Sandbox.Coze.Control;
using CozeCluster.Sandbox.Coze.Conversations;
using CozeCluster.Sandbox.Coze.Files;
using CozeCluster.Sandbox.Coze.Scripts;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The state of the fake Coze, and what tests see of it: the chats it was asked for, what became of each, and signals to wait for.</summary>
public sealed class FakeCoze
{
    private readonly SandboxOptions _options;
    private readonly ConcurrentDictionary<string, CozeChat> _chats = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, CozeConversation> _conversations = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<CozeChat> _ended = new();
    private readonly ConcurrentDictionary<int, int> _refusals = new();
    private TaskCompletionSource? _change;
    private long _sequence;

    internal FakeCoze(SandboxOptions options)
    {
        _options = options;
        Ids = new CozeIds(options.Time);
        Tokens = new TokenStore(options.Time);
        OAuth = new OAuthApp(options.Time);
        Faults = new FaultStore(options.Time);
        Scripts = new ScriptStore(ChatScript.Default with { Seed = options.Seed });
    }

    /// <summary>The chats started since the start or the last reset, oldest first; refused ones are not among them.</summary>
    public IReadOnlyList<CozeChat> Chats => [.. _chats.Values.OrderBy(c => c.Sequence)];

    /// <summary>How many calls were refused, by Coze code.</summary>
    public IReadOnlyDictionary<int, int> Refusals => new Dictionary<int, int>(_refusals);

    /// <summary>The OAuth app for the JWT flow.</summary>
    public OAuthApp OAuth { get; }

    internal TimeProvider Time => _options.Time;
    internal CozeIds Ids { get; }
    internal TokenStore Tokens { get; }
    internal FaultStore Faults { get; }
    internal ScriptStore Scripts { get; }
    internal FileStore Files { get; } = new();

    internal IEnumerable<CozeConversation> Conversations => _conversations.Values;

    /// <summary>The chat with this id, or null.</summary>
    public CozeChat? Find(string chatId) => _chats.GetValueOrDefault(chatId);

    /// <summary>Scripts the next chats with directives, as between <c>[[</c> and <c>]]</c> in a prompt; the prompt's own are laid over them.</summary>
    /// <param name="directives">The directives; <c>docs/sandbox.md</c> lists them.</param>
    /// <param name="times">For how many chats; null is until the next reset.</param>
    /// <exception cref="ArgumentException">A directive cannot be followed; the message names it.</exception>
    public void Script(string directives, int? times = 1)
    {
        try
        {
            Scripts.Add(directives, times);
        }
        catch (ScriptException fault)
        {
            throw new ArgumentException(fault.Message, nameof(directives));
        }
    }

    /// <summary>Makes a token that works at once.</summary>
    /// <param name="account">Whose token it is; conversations and files are an account's own.</param>
    /// <param name="permissions">What it may do; null is everything.</param>
    /// <param name="lifetime">How long it works; null is for ever.</param>
    /// <param name="chats">How many chats it may start before 4011; null is any number.</param>
    public string MintToken(string account = "sandbox", IEnumerable<string>? permissions = null, TimeSpan? lifetime = null, int? chats = null) =>
        Tokens.Mint("pat_", account, permissions?.ToHashSet(StringComparer.Ordinal) ?? CozePermissions.All, lifetime, chats).Value;

    /// <summary>Ends a token now: calls with it get 700012006. False when it is unknown.</summary>
    public bool ExpireToken(string token) => Tokens.Expire(token);

    /// <summary>Waits until a chat fits, and returns the oldest that does.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task<CozeChat> WaitForChatAsync(Func<CozeChat, bool> fits, CancellationToken cancellationToken)
    {
        CozeChat? found = null;
        await WaitForAsync(() => (found = Chats.FirstOrDefault(fits)) is not null, cancellationToken);
        return found!;
    }

    /// <summary>Waits until something is so; looked at whenever a chat moves.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task WaitForAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = NextChange();
            if (condition()) return;
            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Forgets everything that happened, stops what runs, and brings the fixed tokens back.</summary>
    public void Reset()
    {
        StopAll();
        _chats.Clear();
        _conversations.Clear();
        _ended.Clear();
        _refusals.Clear();
        Interlocked.Exchange(ref _sequence, 0);
        Files.Reset();
        Scripts.Reset();
        Faults.Reset();
        Tokens.Reset();
        OAuth.Reset();
        Changed();
    }

    internal void StopAll()
    {
        foreach (var chat in _chats.Values) chat.Run?.Stop();
    }

    internal void Add(CozeChat chat)
    {
        chat.Sequence = Interlocked.Increment(ref _sequence);
        _chats[chat.Id] = chat;
        Changed();
    }

    internal void Add(CozeConversation conversation) => _conversations[conversation.Id] = conversation;

    /// <summary>A conversation of the account.</summary>
    /// <exception cref="CozeException">4002: there is none.</exception>
    internal CozeConversation Conversation(string id, CozeToken token) =>
        _conversations.TryGetValue(id, out var conversation) && conversation.Account == token.Account
            ? conversation
            : throw new CozeException(CozeErrors.ConversationNotFound);

    internal void Remove(CozeConversation conversation) => _conversations.TryRemove(conversation.Id, out _);

    /// <summary>A chat of the account, in its conversation.</summary>
    /// <exception cref="CozeException">4001: there is none.</exception>
    internal CozeChat Chat(string chatId, string conversationId, CozeToken token) =>
        Find(chatId) is { } chat && chat.ConversationId == conversationId && chat.Account == token.Account
            ? chat
            : throw new CozeException(CozeErrors.ChatNotFound);

    /// <summary>Puts a completed chat's answers into its conversation.</summary>
    internal void KeepAnswers(CozeChat chat)
    {
        if (!chat.AutoSaveHistory || !_conversations.TryGetValue(chat.ConversationId, out var conversation)) return;
        conversation.Add(chat.Messages.Where(m => m.Type is "answer" or "function_call" or "tool_response"), Time.GetUtcNow());
    }

    /// <summary>Notes that a chat is over, and forgets the oldest ones beyond the limit.</summary>
    internal void Ended(CozeChat chat)
    {
        _ended.Enqueue(chat);
        while (_ended.Count > _options.KeepChats && _ended.TryDequeue(out var oldest))
        {
            _chats.TryRemove(oldest.Id, out _);
            if (_conversations.TryGetValue(oldest.ConversationId, out var conversation) && conversation.Implicit) Remove(conversation);
        }
    }

    internal void CountRefusal(int code)
    {
        _refusals.AddOrUpdate(code, 1, static (_, count) => count + 1);
        Changed();
    }

    /// <summary>Wakes whoever waits; costs a read when nobody does.</summary>
    internal void Changed()
    {
        if (Volatile.Read(ref _change) is not null) Interlocked.Exchange(ref _change, null)?.TrySetResult();
    }

    private Task NextChange()
    {
        var fresh = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (Interlocked.CompareExchange(ref _change, fresh, null) ?? fresh).Task;
    }
}
