using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// One conversation of one tenant: its queue of turns, the reply of each, and where it lives at the far side. Key: <see cref="TurnId"/>.
/// All methods throw <see cref="ErrorCode.NotFound"/> for a turn or conversation that is unknown, expired or another tenant's.
/// </summary>
[Alias("conversation")]
public interface IConversationGrain : IGrainWithStringKey
{
    /// <summary>
    /// Takes a turn, if its tenant admits it, and returns once it is queued or running. What becomes of it, errors included, comes through the observer.
    /// A turn id that is already known is not taken again, only observed.
    /// </summary>
    /// <exception cref="ClusterException">What the tenant refused it with; <see cref="ErrorCode.ConversationBusy"/>; <see cref="ErrorCode.IdempotencyMismatch"/>; <see cref="ErrorCode.Draining"/>.</exception>
    [Alias("Begin"), Idempotent]
    Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default);

    /// <summary>Observes a turn from a cursor on, whether it runs or has ended.</summary>
    [Alias("Subscribe"), AlwaysInterleave, Idempotent]
    Task Subscribe(string tenantId, string turnId, Subscription subscription);

    /// <summary>Ends a subscription. A turn that loses its last observer is cancelled after 15 s unless it was asked to survive.</summary>
    [Alias("Unsubscribe"), AlwaysInterleave, Idempotent]
    Task Unsubscribe(string turnId, string subscriptionId);

    /// <summary>Reads up to about <paramref name="maxChars"/> characters from a cursor on; an empty batch at the head of a running reply. Counts as listening.</summary>
    [Alias("Read"), AlwaysInterleave, Idempotent]
    Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars);

    /// <summary>Cancels a turn, queued or running, and returns once the far side has been told or has had 5 s to hear it. A turn that has ended stays as it is.</summary>
    [Alias("Cancel"), AlwaysInterleave, Idempotent, ResponseTimeout("00:00:10")]
    Task Cancel(string tenantId, string turnId);

    /// <summary>The turn as it stands.</summary>
    [Alias("GetTurn"), AlwaysInterleave, Idempotent]
    Task<TurnSnapshot> GetTurn(string tenantId, string turnId);

    /// <summary>The conversation with its turns.</summary>
    [Alias("GetConversation"), AlwaysInterleave, Idempotent]
    Task<ConversationSnapshot> GetConversation(string tenantId);

    /// <summary>Gives the conversation a title for people.</summary>
    [Alias("Rename"), Idempotent]
    Task Rename(string tenantId, string title);

    /// <summary>Cancels what runs and forgets the conversation. Idempotent: an unknown conversation is no error.</summary>
    [Alias("Delete"), Idempotent, ResponseTimeout("00:00:30")]
    Task Delete(string tenantId);

    /// <summary>Called for conversations that had a running turn when last heard of: activating finds and resumes it.</summary>
    /// <returns>Whether a turn is queued or running.</returns>
    [Alias("Wake"), AlwaysInterleave, Idempotent]
    Task<bool> Wake();
}
