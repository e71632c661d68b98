namespace CozeCluster;

/// <summary>A platform that hosts bots, such as Coze or Discord. One instance serves a process. Thread-safe.</summary>
public interface IUpstream
{
    /// <summary>Its name in fleets (<c>coze</c>).</summary>
    string Name { get; }

    /// <summary>
    /// Whether <see cref="Attach"/> can find the exchanges of this bot again, with its options as they are. Only then are its turns saved while they run, so
    /// that they survive the failure of their node. Never throws, also not for options that are invalid.
    /// </summary>
    bool CanReattach(BotDefinition bot);

    /// <summary>
    /// Whether it serves language models instead of bots. A language model keeps no conversation: every turn sends the whole history, with the results of tool
    /// calls as messages, and the client's <see cref="UpstreamTurn.Settings"/> are used. <see cref="UpstreamNames"/> knows it by name.
    /// </summary>
    bool IsLanguageModel => UpstreamNames.IsLanguageModel(Name);

    /// <summary>Sends the prompt. Returns as soon as the upstream has accepted it.</summary>
    /// <exception cref="ClusterException">The upstream refused the prompt or could not be reached. Nothing is running there.</exception>
    /// <exception cref="PromptNotSentException">The call was cancelled before any part of the prompt was sent.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled. The prompt may have been sent.</exception>
    ValueTask<IExchange> Open(UpstreamTurn turn, CancellationToken cancellationToken);

    /// <summary>Opens an exchange that is already running or has ended at the upstream. It reads the reply from the beginning.</summary>
    /// <exception cref="NotSupportedException"><see cref="CanReattach"/> is false for every bot.</exception>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamUnavailable"/>: it cannot be read at the moment. <see cref="ErrorCode.UpstreamNotFound"/>,
    /// <see cref="ErrorCode.UpstreamOutcomeUnknown"/>: it cannot be found again.
    /// </exception>
    ValueTask<IExchange> Attach(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken);

    /// <summary>Asks the upstream to stop. Idempotent. An exchange that has already ended is not an error.</summary>
    ValueTask Cancel(UpstreamTurn turn, UpstreamHandle handle, CancellationToken cancellationToken);

    /// <summary>
    /// Releases resources that the upstream holds only for this exchange. Called when the exchange has ended in any way and its end is stored, or before a
    /// retry. Idempotent. It is not called if the node failed, so such resources must also expire without it.
    /// </summary>
    ValueTask Release(UpstreamTurn turn, UpstreamHandle handle) => default;
}

/// <summary>
/// <see cref="IUpstream.Open"/> was cancelled before any part of the prompt was sent. If its node stops at that moment, the turn is started again on another
/// node. It does not end with <see cref="ErrorCode.UpstreamOutcomeUnknown"/>.
/// </summary>
/// <param name="inner">The cancellation.</param>
public sealed class PromptNotSentException(OperationCanceledException inner) : OperationCanceledException(inner.Message, inner, inner.CancellationToken);

/// <summary>The input of an upstream for one turn.</summary>
/// <param name="TurnId">The turn, for logs, and as an idempotency key if the upstream accepts one.</param>
/// <param name="Bot">The bot.</param>
/// <param name="Account">The account. Only the upstream opens its secrets.</param>
/// <param name="User">The end user. The upstream keeps the memories of users separate.</param>
/// <param name="Messages">
/// The messages to send: the whole history for a new conversation, only the new messages for a conversation that the upstream already has.
/// </param>
public sealed record UpstreamTurn(string TurnId, BotDefinition Bot, AccountDefinition Account, string User, IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>The tenant.</summary>
    public string TenantId { get; init; } = "";

    /// <summary>
    /// The number of messages at the end of <see cref="Messages"/> that the client has sent in this turn, if those before come from the storage; otherwise
    /// null.
    /// </summary>
    public int? NewMessages { get; init; }

    /// <summary>The number of the attempt to send this turn, from 1. Ids that are created for one attempt must differ from those of the next.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The upstream's ids of the conversation to continue; empty for a new conversation.</summary>
    public IReadOnlyDictionary<string, string> Conversation { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Results of tool calls, under the upstream's own call ids, for the exchange that <see cref="Conversation"/> identifies. If there are any,
    /// <see cref="Messages"/> is not sent.
    /// </summary>
    public IReadOnlyList<ToolOutput> ToolOutputs { get; init; } = [];

    /// <summary>See <see cref="TurnRequest.Settings"/>.</summary>
    public GenerationSettings Settings { get; init; } = GenerationSettings.None;

    /// <summary>See <see cref="TurnRequest.Variables"/>.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>See <see cref="TurnRequest.Channel"/>.</summary>
    public string? Channel { get; init; }

    /// <summary>See <see cref="TurnRequest.Metadata"/>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Identifies an exchange at the upstream, so that <see cref="IUpstream.Attach"/> can find it. It is saved before the client receives the first byte.
/// </summary>
/// <param name="BotId">The bot's id in the fleet.</param>
/// <param name="AccountId">The account that sent the prompt.</param>
/// <param name="Upstream">The upstream's name.</param>
/// <param name="Ids">The upstream's own ids (<c>conversation_id</c>, <c>chat_id</c>).</param>
public sealed record UpstreamHandle(string BotId, string AccountId, string Upstream, IReadOnlyDictionary<string, string> Ids);

/// <summary>
/// One reply while it arrives. It has one reader, which alternates between <see cref="WaitToRead"/> and <see cref="Read"/> until the former returns false or
/// throws. Disposing closes the connection; it does not cancel the exchange at the upstream.
/// </summary>
public interface IExchange : IAsyncDisposable
{
    /// <summary>Waits until there is something to read. May complete on any thread. Has no timeout of its own.</summary>
    /// <returns>False when everything, including the end, has been read.</returns>
    /// <exception cref="ClusterException">
    /// The connection was lost (<see cref="ErrorCode.UpstreamUnavailable"/>), or the upstream's answer did not follow its protocol.
    /// </exception>
    ValueTask<bool> WaitToRead(CancellationToken cancellationToken);

    /// <summary>Writes everything that has arrived into <paramref name="sink"/>. It runs on the grain's scheduler, so it must return quickly.</summary>
    void Read(IReplySink sink);
}

/// <summary>
/// Receives what an exchange reads: the reply log of a conversation. It identifies parts by the upstream's message ids. So reading the same reply again, in
/// other chunks or from a list of messages, adds only what is missing.
/// </summary>
public interface IReplySink
{
    /// <summary>
    /// Whether there is text in a part that is not closed. When a lost reply has been read again to its end, this shows that the upstream has not returned all
    /// of what it had begun.
    /// </summary>
    bool HasOpenText => false;

    /// <summary>
    /// The length of a part's text, in UTF-16 units. An exchange that reads a stream from its beginning once more skips as many, so that the text does not
    /// appear twice. Default: 0, for sinks that never see a reply twice.
    /// </summary>
    int GetLength(int part) => 0;

    /// <summary>Gets the part for a message and a kind of text, and opens it if it does not exist yet.</summary>
    /// <param name="messageId">The upstream's id of the message.</param>
    /// <param name="kind">Answer or reasoning. One message may have both.</param>
    /// <returns>The part's ordinal, for <see cref="Append"/> and <see cref="Set"/>.</returns>
    int Open(string messageId, TextKind kind);

    /// <summary>Appends text to a part.</summary>
    void Append(int part, ReadOnlySpan<char> delta);

    /// <summary>Sets the whole text of a part as it is now. This appends the new text, or rewrites the part if existing text changed.</summary>
    void Set(int part, ReadOnlySpan<char> whole);

    /// <summary>
    /// Marks a part as complete. Parts are delivered in order, so an open part holds back the parts after it. The end of the reply closes all parts, and
    /// opening a message's answer closes its reasoning.
    /// </summary>
    void Close(int part);

    /// <summary>Adds a part that is not text. An item whose id already exists is ignored.</summary>
    void Add(ReplyItem item);

    /// <summary>Sets the ids that identify the exchange at the upstream. Called as soon as they are known, and again when they change.</summary>
    void Identify(UpstreamHandle handle);

    /// <summary>Sets the numbers of tokens. The last call counts.</summary>
    void SetUsage(Usage usage);

    /// <summary>Ends the reply: it is complete.</summary>
    void Complete(FinishReason reason);

    /// <summary>Ends the reply: it failed at the upstream.</summary>
    void Fail(Error error);
}

/// <summary>The kind of text in a part.</summary>
public enum TextKind
{
    /// <summary>The bot's answer.</summary>
    Answer,

    /// <summary>The reasoning before the answer.</summary>
    Reasoning,
}
