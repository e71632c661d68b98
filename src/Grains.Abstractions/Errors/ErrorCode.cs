using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>
/// Everything that can go wrong, as a client sees it. <see cref="ErrorTable"/> alone defines what follows from a code: HTTP status, wire names, log level,
/// recovery action. Names and numbers are sent to other processes and stored: add codes at the end, never rename or reorder them.
/// </summary>
[GenerateSerializer, Alias("error-code")]
public enum ErrorCode
{
    /// <summary>A defect in CozeCluster.</summary>
    Internal = 0,

    /// <summary>The request is malformed or asks for something unsupported. The exception names the field.</summary>
    InvalidRequest,

    /// <summary>The API key is missing, unknown, expired or revoked.</summary>
    InvalidApiKey,

    /// <summary>The API key is valid but not authorized for this request.</summary>
    PermissionDenied,

    /// <summary>The tenant has no model with this name.</summary>
    ModelNotFound,

    /// <summary>The route, turn or conversation does not exist, belongs to another tenant, or has expired.</summary>
    NotFound,

    /// <summary>The route exists but does not support this HTTP method.</summary>
    MethodNotAllowed,

    /// <summary>The body is larger than the configured limit.</summary>
    PayloadTooLarge,

    /// <summary>The route does not support the media type of the body.</summary>
    UnsupportedMediaType,

    /// <summary>An idempotency key was reused with a different request.</summary>
    IdempotencyMismatch,

    /// <summary>The conversation's queue of turns is full.</summary>
    ConversationBusy,

    /// <summary>The tenant has reached one of its limits. The exception may say until when.</summary>
    RateLimited,

    /// <summary>The tenant's budget is used up.</summary>
    QuotaExceeded,

    /// <summary>Every bot of the pool is cooling down, busy or out of quota.</summary>
    NoBotAvailable,

    /// <summary>The node is shutting down and accepts no new turns.</summary>
    Draining,

    /// <summary>The client cancelled the turn, or the turn had no subscriber any more.</summary>
    Cancelled,

    /// <summary>The upstream refused the request as malformed.</summary>
    UpstreamInvalidRequest,

    /// <summary>The upstream refused the prompt or the reply because of its content.</summary>
    ContentFiltered,

    /// <summary>The prompt is too long for the bot.</summary>
    ContextLengthExceeded,

    /// <summary>The upstream refused a file or an image (size, type, unreadable).</summary>
    FileRejected,

    /// <summary>The upstream refused the account's credential.</summary>
    UpstreamUnauthorized,

    /// <summary>The account is not authorized to use this bot, or the upstream's risk control blocked it.</summary>
    UpstreamForbidden,

    /// <summary>The upstream does not have this bot, conversation, chat or resource.</summary>
    UpstreamNotFound,

    /// <summary>The upstream already runs a chat in this conversation.</summary>
    UpstreamBusy,

    /// <summary>The upstream's rate limit was reached.</summary>
    UpstreamRateLimited,

    /// <summary>The account has no credits left for now.</summary>
    UpstreamQuotaExceeded,

    /// <summary>The upstream failed.</summary>
    UpstreamFailed,

    /// <summary>The upstream could not be reached, or the connection was lost.</summary>
    UpstreamUnavailable,

    /// <summary>The upstream sent nothing for longer than the bot's timeouts allow.</summary>
    UpstreamTimeout,

    /// <summary>The upstream's answer did not follow its protocol.</summary>
    UpstreamProtocol,

    /// <summary>The node failed while it sent the prompt. It is unknown whether the upstream received the prompt.</summary>
    UpstreamOutcomeUnknown,

    /// <summary>Another activation of the grain saved its state first. This activation is deactivated; the caller retries.</summary>
    StateConflict,

    /// <summary>
    /// Orleans could not deliver a call, because a node is stopping or has failed. Idempotent calls are retried. The name in messages and stored data is
    /// <c>EngineRejected</c>.
    /// </summary>
    [JsonStringEnumMemberName("EngineRejected")]
    CallRejected,

    /// <summary>The client asked for an image, and the bot answered without one.</summary>
    NoImage,

    /// <summary>A file that a reply refers to could not be fetched safely.</summary>
    FetchFailed,

    /// <summary>The node has no memory left for large requests.</summary>
    Overloaded,

    /// <summary>The upstream refused the credential that came with the request.</summary>
    UpstreamCredentialRefused,

    /// <summary>The request is understood, and this node or this program does not do what it asks for. The message says why.</summary>
    NotImplemented,

    /// <summary>The thing was changed since the client read it (<c>If-Match</c>).</summary>
    PreconditionFailed,

    /// <summary>A change must say which version of the thing it replaces (<c>If-Match</c>).</summary>
    PreconditionRequired,

    /// <summary>The state of the thing does not allow this change. The message says why.</summary>
    Conflict,
}
