using System.Collections.Concurrent;
using System.Globalization;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The state of the fake Coze. Tests read here which chats were requested and how they ended, and wait for them.</summary>
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
        Faults = new FaultInjector(options.Time);
        Scripts = new ScriptQueue<ChatScript>(ChatDirectives.Parser, ChatScript.Default with { Seed = options.Seed });
    }

    /// <summary>The chats since the start or the last reset, oldest first. Refused requests are not included.</summary>
    public IReadOnlyList<CozeChat> Chats => [.. _chats.Values.OrderBy(c => c.Sequence)];

    /// <summary>How many requests were refused, by Coze error code.</summary>
    public IReadOnlyDictionary<int, int> Refusals => new Dictionary<int, int>(_refusals);

    /// <summary>The OAuth app for the JWT flow.</summary>
    public OAuthApp OAuth { get; }

    internal TimeProvider Time => _options.Time;
    internal TimeSpan EchoPace => _options.EchoPace;
    internal CozeIds Ids { get; }
    internal TokenStore Tokens { get; }
    internal FaultInjector Faults { get; }
    internal ScriptQueue<ChatScript> Scripts { get; }
    internal FileStore Files { get; } = new();

    internal IEnumerable<CozeConversation> Conversations => _conversations.Values;

    /// <summary>The chat with this id, or null.</summary>
    public CozeChat? Find(string chatId) => _chats.GetValueOrDefault(chatId);

    /// <summary>Sets directives for the next chats, as in <c>[[…]]</c> of a prompt. The directives of a prompt override them.</summary>
    /// <param name="directives">The directives; <c>docs/sandbox.md</c> lists them.</param>
    /// <param name="times">For how many chats. Null: for all chats until the next reset.</param>
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

    /// <summary>Creates an access token, which is valid at once.</summary>
    /// <param name="account">The account that the token belongs to. Conversations and files belong to one account.</param>
    /// <param name="permissions">The permissions of the token. Null: all.</param>
    /// <param name="lifetime">How long the token is valid. Null: without limit.</param>
    /// <param name="chats">How many chats the token can start before requests get error 4011. Null: no limit.</param>
    public string MintToken(string account = "sandbox", IEnumerable<string>? permissions = null, TimeSpan? lifetime = null, int? chats = null) =>
        Tokens.Mint("pat_", account, permissions?.ToHashSet(StringComparer.Ordinal) ?? CozePermissions.All, lifetime, chats).Value;

    /// <summary>Lets a token expire now; requests with it get error 700012006. False: the token is unknown.</summary>
    public bool ExpireToken(string token) => Tokens.Expire(token);

    /// <summary>Waits until a chat matches, and returns the oldest that does.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task<CozeChat> WaitForChatAsync(Func<CozeChat, bool> matches, CancellationToken cancellationToken)
    {
        CozeChat? found = null;
        await WaitForAsync(() => (found = Chats.FirstOrDefault(matches)) is not null, cancellationToken);
        return found!;
    }

    /// <summary>Waits until a condition is true. The condition is checked whenever the state changes.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task WaitForAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var change = GetNextChange();
            if (condition()) return;
            await change.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Stops all chats and returns to the initial state: no chats, conversations, files, scripts or faults, and only the fixed tokens.</summary>
    public void Reset()
    {
        StopAll();
        _chats.Clear();
        _conversations.Clear();
        _ended.Clear();
        _refusals.Clear();
        Interlocked.Exchange(ref _sequence, 0);
        Files.Clear();
        Scripts.Clear();
        Faults.Clear();
        Tokens.Reset();
        OAuth.Reset();
        NotifyChanged();
    }

    internal void StopAll()
    {
        foreach (var chat in _chats.Values) chat.Runner?.Stop();
    }

    internal void Add(CozeChat chat)
    {
        chat.Sequence = Interlocked.Increment(ref _sequence);
        _chats[chat.Id] = chat;
        NotifyChanged();
    }

    internal void Add(CozeConversation conversation) => _conversations[conversation.Id] = conversation;

    /// <summary>A conversation of the token's account.</summary>
    /// <exception cref="CozeException">4002: it does not exist.</exception>
    internal CozeConversation GetConversation(string id, CozeToken token) =>
        _conversations.TryGetValue(id, out var conversation) && conversation.Account == token.Account
            ? conversation
            : throw new CozeException(CozeErrorCodes.ConversationNotFound);

    internal void Remove(CozeConversation conversation) => _conversations.TryRemove(conversation.Id, out _);

    /// <summary>A chat of the token's account, in the given conversation.</summary>
    /// <exception cref="CozeException">4001: it does not exist.</exception>
    internal CozeChat GetChat(string chatId, string conversationId, CozeToken token) =>
        Find(chatId) is { } chat && chat.ConversationId == conversationId && chat.Account == token.Account
            ? chat
            : throw new CozeException(CozeErrorCodes.ChatNotFound);

    /// <summary>Saves the answers of a completed chat in its conversation.</summary>
    internal void SaveAnswers(CozeChat chat)
    {
        if (!chat.AutoSaveHistory || !_conversations.TryGetValue(chat.ConversationId, out var conversation)) return;
        conversation.Add(chat.Messages.Where(m => m.Type is "answer" or "function_call" or "tool_response"), Time.GetUtcNow());
    }

    /// <summary>Registers that a chat has ended, and removes the oldest ended chats beyond the limit.</summary>
    internal void OnEnded(CozeChat chat)
    {
        _ended.Enqueue(chat);
        while (_ended.Count > _options.KeepChats && _ended.TryDequeue(out var oldest))
        {
            _chats.TryRemove(oldest.Id, out _);
            if (_conversations.TryGetValue(oldest.ConversationId, out var conversation) && conversation.IsImplicit) Remove(conversation);
        }
    }

    internal void CountRefusal(int code)
    {
        _refusals.AddOrUpdate(code, 1, static (_, count) => count + 1);
        NotifyChanged();
    }

    /// <summary>Wakes all waiting callers. Without a waiting caller it only reads one field, so each delta can call it.</summary>
    internal void NotifyChanged()
    {
        if (Volatile.Read(ref _change) is not null) Interlocked.Exchange(ref _change, null)?.TrySetResult();
    }

    private Task GetNextChange()
    {
        var created = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (Interlocked.CompareExchange(ref _change, created, null) ?? created).Task;
    }
}

/// <summary>Creates ids like those of Coze: 19 digits, sent as strings. They contain the start time, so two runs create different ids.</summary>
internal sealed class CozeIds(TimeProvider time)
{
    // The digits are: two for the kind, ten for the second in which the server started, seven for a counter. An overflow of the
    // counter increases the seconds.
    private readonly long _start = time.GetUtcNow().ToUnixTimeSeconds() * 10_000_000;
    private long _count;

    public string NewChatId() => Next(71);
    public string NewConversationId() => Next(72);
    public string NewMessageId() => Next(73);
    public string NewSectionId() => Next(74);
    public string NewFileId() => Next(75);
    public string NewToolCallId() => Next(76);

    /// <summary>The id of one request, for the header <c>x-tt-logid</c>.</summary>
    public string NewLogId() => Next(77);

    private string Next(long kind) =>
        (kind * 100_000_000_000_000_000 + _start + Interlocked.Increment(ref _count)).ToString(CultureInfo.InvariantCulture);
}
