namespace CozeCluster;

/// <summary>A place replies come from. One instance serves a process; thread-safe.</summary>
public interface IUpstream
{
    /// <summary>The name fleets use (<c>coze</c>).</summary>
    string Name { get; }

    /// <summary>Whether <see cref="Attach"/> works: turns on such upstreams are saved and survive their node.</summary>
    bool CanReattach { get; }

    /// <summary>Sends the prompt and returns as soon as the far side accepted it.</summary>
    /// <exception cref="ClusterException">The upstream refused or could not be reached: nothing is running there.</exception>
    /// <exception cref="PromptNotSentException">The call was cancelled before any part of the prompt was sent.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled; the prompt may have been sent.</exception>
    ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken);

    /// <summary>Finds a running or finished exchange again. What it reads starts at the beginning of the reply.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanReattach"/> is false.</exception>
    ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken);

    /// <summary>Tells the far side to stop. Idempotent; an exchange that already ended is no error.</summary>
    ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken);

    /// <summary>
    /// The exchange has ended in whatever way and its end is stored, or it is given up for another try: what the far side keeps only for it may go. Idempotent. Not called if the node died,
    /// so what is left behind must go by itself as well.
    /// </summary>
    ValueTask Settle(UpstreamTurn turn, UpstreamHandle handle) => default;
}

/// <summary>
/// <see cref="IUpstream.Open"/> was cancelled before any part of the prompt was sent. A turn whose node stops at that moment is started again on another node, instead of ending with
/// <see cref="ErrorCode.UpstreamOutcomeUnknown"/>.
/// </summary>
/// <param name="inner">The cancellation.</param>
public sealed class PromptNotSentException(OperationCanceledException inner) : OperationCanceledException(inner.Message, inner, inner.CancellationToken);

/// <summary>What an upstream is given.</summary>
/// <param name="TurnId">For logs, and as an idempotency token where the far side takes one.</param>
/// <param name="Bot">The bot.</param>
/// <param name="Account">The account; its secrets are opened by the upstream alone.</param>
/// <param name="User">Keeps end users' memories apart at the far side.</param>
/// <param name="Messages">What to send: whole history for a fresh conversation, only what is new for one the far side already has.</param>
public sealed record UpstreamTurn(string TurnId, BotDefinition Bot, AccountDefinition Account, string User, IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>Whose turn it is.</summary>
    public string TenantId { get; init; } = "";

    /// <summary>Which try of the turn this is, from 1: what is minted for one try must not be taken for the next one's.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Ids of the far side's conversation to continue; empty for a new one.</summary>
    public IReadOnlyDictionary<string, string> Conversation { get; init; } = new Dictionary<string, string>();

    /// <summary>Results of tool calls, under the far side's own call ids, for the exchange named by <see cref="Conversation"/>. If any, <see cref="Messages"/> is not sent.</summary>
    public IReadOnlyList<ToolOutput> ToolOutputs { get; init; } = [];

    /// <summary>See <see cref="TurnRequest.Variables"/>.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>See <see cref="TurnRequest.Metadata"/>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// One reply on its way in. Used by one reader: wait, read, wait, read, until waiting says false or throws. Disposing drops the connection, which is not a cancel.
/// </summary>
public interface IExchange : IAsyncDisposable
{
    /// <summary>Waits until there is something to read. May complete on any thread; enforces no time-out of its own.</summary>
    /// <returns>False once everything, the end included, has been read.</returns>
    /// <exception cref="ClusterException">The connection broke (<see cref="ErrorCode.UpstreamUnavailable"/>) or the far side broke its protocol.</exception>
    ValueTask<bool> WaitToRead(CancellationToken cancellationToken);

    /// <summary>Moves all that has arrived into <paramref name="sink"/>. Synchronous and quick: called on the grain's scheduler.</summary>
    void Read(IReplySink sink);
}

/// <summary>
/// Where an exchange puts what it reads: the reply log of a conversation. Parts are known by the far side's message id, so reading the same reply again,
/// in other chunks or from a message list, adds only what is missing.
/// </summary>
public interface IReplySink
{
    /// <summary>The part of that message and kind, opened at first sight.</summary>
    /// <param name="messageId">The far side's id of the message.</param>
    /// <param name="kind">Answer or reasoning; one message may have both.</param>
    /// <returns>The part's ordinal, for <see cref="Append"/> and <see cref="Set"/>.</returns>
    int Open(string messageId, TextKind kind);

    /// <summary>Appends a delta.</summary>
    void Append(int part, ReadOnlySpan<char> delta);

    /// <summary>Tells the whole text of a part as it stands now: appends what is new, or rewrites the part if what stood there changed.</summary>
    void Set(int part, ReadOnlySpan<char> whole);

    /// <summary>
    /// The part is whole. Content is delivered in the order of parts, so what follows an open part waits; the reply's end closes all,
    /// and opening a message's answer closes its reasoning.
    /// </summary>
    void Close(int part);

    /// <summary>Adds a part that is not text; ignored if one of that id is there.</summary>
    void Add(ReplyItem item);

    /// <summary>Tells the ids by which the exchange can be found again, as soon as they are known and whenever they change.</summary>
    void Identify(UpstreamHandle handle);

    /// <summary>Tells usage; the last one told counts.</summary>
    void Count(Usage usage);

    /// <summary>The reply is complete.</summary>
    void Complete(FinishReason reason);

    /// <summary>The reply failed at the far side.</summary>
    void Fail(Error error);
}

/// <summary>What kind of text a part holds.</summary>
public enum TextKind
{
    /// <summary>What the bot says.</summary>
    Answer,

    /// <summary>What it thought before.</summary>
    Reasoning,
}
