using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// One conversation of one tenant: its queue of turns, the reply of each turn, and its conversation at the upstream. Key: see
/// <see cref="ConversationIds"/>.
/// All methods throw <see cref="ErrorCode.NotFound"/> for a turn or conversation that is unknown, has expired or belongs to another tenant, and
/// <see cref="ErrorCode.Internal"/> for a turn whose stored data is damaged. If the storage fails, they throw its error.
/// </summary>
[Alias("conversation")]
public interface IConversationGrain : IGrainWithStringKey
{
    /// <summary>
    /// Accepts a turn if the tenant admits it. Returns as soon as the turn is queued or running. Everything that happens to the turn later, errors included,
    /// goes to the subscriber. For a turn id that the conversation already knows, this only adds the subscription. A request whose ids do not belong together
    /// (<see cref="ConversationIds.Accepts"/>) stores nothing.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the request does not belong to this conversation. <see cref="ErrorCode.InvalidRequest"/>: a tool call whose result it
    /// has does not wait for one. Also the error with which the tenant refused the turn, <see cref="ErrorCode.ConversationBusy"/>,
    /// <see cref="ErrorCode.IdempotencyMismatch"/> or <see cref="ErrorCode.Draining"/>.
    /// </exception>
    [Alias("Begin"), Idempotent]
    Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default);

    /// <summary>
    /// Does what <see cref="Begin"/> does for a tenant or key with <see cref="LimitsDefinition"/>. A limit that refuses the turn is part of the result.
    /// </summary>
    /// <exception cref="ClusterException">As for <see cref="Begin"/>.</exception>
    [Alias("Start"), Idempotent]
    Task<TurnStart> Start(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default);

    /// <summary>Sends a turn's reply to a subscriber, from a cursor on. The turn may be running or have ended.</summary>
    [Alias("Subscribe"), AlwaysInterleave, Idempotent]
    Task Subscribe(string tenantId, string turnId, Subscription subscription);

    /// <summary>
    /// Ends a subscription. A turn that has had no subscriber for 15 s is cancelled, unless its request asked for it to continue
    /// (<see cref="TurnRequest.Survive"/>).
    /// </summary>
    [Alias("Unsubscribe"), AlwaysInterleave, Idempotent]
    Task Unsubscribe(string turnId, string subscriptionId);

    /// <summary>
    /// Reads up to about <paramref name="maxChars"/> characters after a cursor. The batch is empty if a running reply has no more text yet.
    /// A caller that reads counts as a subscriber.
    /// </summary>
    [Alias("Read"), AlwaysInterleave, Idempotent]
    Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars);

    /// <summary>
    /// Cancels a turn, queued or running. Returns when the upstream has confirmed the cancellation, or after 5 s. A turn that has ended does not change.
    /// </summary>
    [Alias("Cancel"), AlwaysInterleave, Idempotent, ResponseTimeout("00:00:10")]
    Task Cancel(string tenantId, string turnId);

    /// <summary>Gets the current state of a turn.</summary>
    [Alias("GetTurn"), AlwaysInterleave, Idempotent]
    Task<TurnSnapshot> GetTurn(string tenantId, string turnId);

    /// <summary>Gets the conversation with its turns.</summary>
    [Alias("GetConversation"), AlwaysInterleave, Idempotent]
    Task<ConversationSnapshot> GetConversation(string tenantId);

    /// <summary>Where the next turn of the conversation continues. Changes nothing.</summary>
    /// <returns>Null for a conversation that the tenant does not have.</returns>
    [Alias("FindPlace"), AlwaysInterleave, Idempotent]
    Task<ConversationPlace?> FindPlace(string tenantId);

    /// <summary>Sets the title that people see.</summary>
    [Alias("Rename"), Idempotent]
    Task Rename(string tenantId, string title);

    /// <summary>
    /// Cancels all running turns and deletes the conversation. A named conversation whose stored data cannot be read is deleted too; its key contains the
    /// tenant.
    /// </summary>
    [Alias("Delete"), Idempotent, ResponseTimeout("00:00:30")]
    Task Delete(string tenantId);

    /// <summary>
    /// Does nothing but activate the grain: an activation finds the turns that have not ended in the storage and resumes them. Called for conversations that
    /// had such turns when their silo stopped or failed.
    /// </summary>
    [Alias("Wake"), AlwaysInterleave, Idempotent]
    Task Wake();
}

/// <summary>Whether a turn under limits has begun.</summary>
/// <param name="Refusal">Why it has not; null if it has.</param>
/// <param name="Rates">What is left of the limits per minute; null without such limits, and for a turn that was known already.</param>
[GenerateSerializer, Immutable, Alias("turn-start")]
public sealed record TurnStart(Error? Refusal, RateStatus? Rates);

/// <summary>Where a conversation continues.</summary>
/// <param name="BotId">The bot with which it continues if that is available; null if any may serve the next turn.</param>
/// <param name="AccountId">The account, in the same way.</param>
/// <param name="Tokens">The tokens of the conversation so far, as far as they are known.</param>
[GenerateSerializer, Immutable, Alias("conversation-place")]
public sealed record ConversationPlace(string? BotId, string? AccountId, long Tokens);
