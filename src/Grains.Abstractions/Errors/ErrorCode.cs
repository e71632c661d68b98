using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// Everything that can go wrong, seen from a client. What follows from a code (HTTP status, wire names, log level, recovery action)
/// is in <see cref="ErrorTable"/> and nowhere else. Names and numbers cross processes and are stored: add at the end, never rename, never reorder.
/// </summary>
[GenerateSerializer, Alias("error-code")]
public enum ErrorCode
{
    /// <summary>A defect of ours.</summary>
    Internal = 0,

    /// <summary>The request is malformed or asks for what cannot be honoured; the exception names the field.</summary>
    InvalidRequest,

    /// <summary>The API key is missing, unknown, expired or revoked.</summary>
    InvalidApiKey,

    /// <summary>The API key is known but may not do this.</summary>
    PermissionDenied,

    /// <summary>No model of that name is offered to this tenant.</summary>
    ModelNotFound,

    /// <summary>No such route, turn or conversation, or it belongs to another tenant, or it has expired.</summary>
    NotFound,

    /// <summary>The route exists, but not for this HTTP method.</summary>
    MethodNotAllowed,

    /// <summary>The body is larger than the configured limit.</summary>
    PayloadTooLarge,

    /// <summary>The body is not of a media type this route reads.</summary>
    UnsupportedMediaType,

    /// <summary>An idempotency key was used again with another request.</summary>
    IdempotencyMismatch,

    /// <summary>The conversation has as many turns waiting as it may have.</summary>
    ConversationBusy,

    /// <summary>The tenant is at one of its own limits; the exception may say until when.</summary>
    RateLimited,

    /// <summary>The tenant's budget is used up.</summary>
    QuotaExceeded,

    /// <summary>Every bot of the pool is cooling, full or out of quota.</summary>
    NoBotAvailable,

    /// <summary>The node is shutting down and takes no new turns.</summary>
    Draining,

    /// <summary>The turn was cancelled by its client, or it had no subscriber any more.</summary>
    Cancelled,

    /// <summary>The upstream refused the request as malformed.</summary>
    UpstreamInvalidRequest,

    /// <summary>The upstream refused the prompt or the reply for its content.</summary>
    ContentFiltered,

    /// <summary>The prompt is too long for the bot.</summary>
    ContextLengthExceeded,

    /// <summary>The upstream refused a file or an image (size, type, unreadable).</summary>
    FileRejected,

    /// <summary>The account's credential was refused.</summary>
    UpstreamUnauthorized,

    /// <summary>The account may not use this bot, or risk control stopped it.</summary>
    UpstreamForbidden,

    /// <summary>The upstream does not know the bot, conversation, chat or resource.</summary>
    UpstreamNotFound,

    /// <summary>The upstream already runs a chat in this conversation.</summary>
    UpstreamBusy,

    /// <summary>The upstream asks to slow down.</summary>
    UpstreamRateLimited,

    /// <summary>The account has used up its credits for now.</summary>
    UpstreamQuotaExceeded,

    /// <summary>The upstream failed.</summary>
    UpstreamFailed,

    /// <summary>The upstream could not be reached, or the connection broke.</summary>
    UpstreamUnavailable,

    /// <summary>The upstream was silent for longer than the bot's timeouts allow.</summary>
    UpstreamTimeout,

    /// <summary>The upstream answered something its protocol does not have.</summary>
    UpstreamProtocol,

    /// <summary>The node died after the prompt may have been sent; whether the upstream received it is unknown.</summary>
    UpstreamOutcomeUnknown,

    /// <summary>Another activation of this grain saved first; the loser is deactivated. The caller retries.</summary>
    StateConflict,

    /// <summary>Orleans could not deliver a call (a node is stopping or has failed). Idempotent calls are retried. Its name in messages and stored data is <c>EngineRejected</c>.</summary>
    [JsonStringEnumMemberName("EngineRejected")]
    CallRejected,

    /// <summary>An image was asked for and the bot answered without one.</summary>
    NoImage,

    /// <summary>A file that a reply points at could not be fetched, or not safely.</summary>
    FetchFailed,
}
