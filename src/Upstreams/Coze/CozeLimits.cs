using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Sse;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Every timeout, retry and limit of an exchange with Coze, and what happens when it is reached.</summary>
/// <remarks>
/// <para>
/// Set elsewhere. The bot's <see cref="TurnTimeouts"/> (first byte, idle, total) limit a whole turn: access token, uploads, prompt, stream and polling. When
/// one fires, the conversation grain cancels the pending request, cancels the chat at Coze and ends the attempt with <see cref="ErrorCode.UpstreamTimeout"/>.
/// <see cref="UpstreamHandlers"/> allows 10 s for connecting; then the request fails with <see cref="ErrorCode.UpstreamUnavailable"/>.
/// <see cref="SseRecordReader.MaxRecord"/> limits one event of a stream; a larger one ends the exchange with <see cref="ErrorCode.UpstreamProtocol"/>.
/// </para>
/// <para>
/// Retries of a turn. The conversation grain decides by the <see cref="RecoveryAction"/> of an error whether it starts another attempt. It reads a lost reply
/// again with <see cref="IUpstream.Attach"/>.
/// </para>
/// <para>
/// Retries of a request, in four cases only. (1) Coze refused an OAuth token: the request is sent once more with a new token (<see cref="CozeClient"/>).
/// (2) Coze refused a prompt because the previous chat of the conversation is not finished: that chat is cancelled and the prompt is sent once more
/// (<see cref="CozeUpstream.Open"/>). (3) A server does not accept GET for a request that only reads: it is sent once more with POST
/// (<see cref="CozeHttp.Read"/>). (4) A poll failed: the chat is polled again (<see cref="MaxPollFailures"/>).
/// </para>
/// <para>
/// A prompt is never sent again after its connection broke, because the chat may already be running. The attempt ends with
/// <see cref="ErrorCode.UpstreamOutcomeUnknown"/>.
/// </para>
/// </remarks>
internal static class CozeLimits
{
    // Requests

    /// <summary>The number of bytes read of an error response, 64 KiB. The rest is ignored.</summary>
    public const int MaxErrorBody = 64 * 1024;

    /// <summary>The number of bytes read of a JSON response, 64 MiB. A longer one is cut, so it fails with <see cref="ErrorCode.UpstreamProtocol"/>.</summary>
    public const int MaxJsonBody = 64 * 1024 * 1024;

    // Prompts

    /// <summary>The number of messages in a prompt, by Coze's documentation. Older messages are not sent.</summary>
    public const int MaxMessages = 100;

    /// <summary>
    /// The number of pairs in a prompt's metadata, by Coze's documentation. A prompt with more is refused with <see cref="ErrorCode.InvalidRequest"/> and not
    /// sent.
    /// </summary>
    public const int MaxMetadata = 16;

    /// <summary>The length of a key in metadata; handled as <see cref="MaxMetadata"/>.</summary>
    public const int MaxMetadataKey = 64;

    /// <summary>The length of a value in metadata; handled as <see cref="MaxMetadata"/>.</summary>
    public const int MaxMetadataValue = 512;

    /// <summary>The number of uploaded files whose ids are remembered. Beyond it, expired ids are removed, or all ids if none has expired.</summary>
    public const int MaxKnownFiles = 10_000;

    /// <summary>How long the id of an uploaded file is reused. Then the file is uploaded again. Coze keeps it for three months.</summary>
    public static readonly TimeSpan FileIdLifetime = TimeSpan.FromHours(24);

    // Access tokens

    /// <summary>The time for getting an access token. Then the requests that wait for it fail with <see cref="ErrorCode.UpstreamTimeout"/>.</summary>
    public static readonly TimeSpan TokenTimeout = TimeSpan.FromSeconds(30);

    /// <summary>An access token is renewed in the last fifth of its lifetime, but not earlier than this before its end.</summary>
    public static readonly TimeSpan MaxTokenRenewalLead = TimeSpan.FromMinutes(5);

    /// <summary>The pause after a failed renewal. During it, requests use the old token while it is valid.</summary>
    public static readonly TimeSpan TokenRenewalPause = TimeSpan.FromSeconds(10);

    /// <summary>The lifetime of the signed claim that is exchanged for an access token. Coze rejects an older one.</summary>
    public static readonly TimeSpan ClaimLifetime = TimeSpan.FromHours(1);

    // Polling

    /// <summary>The first pause between two polls of a chat. Coze's documentation asks for at least one second.</summary>
    public static readonly TimeSpan FirstPollPause = TimeSpan.FromSeconds(1);

    /// <summary>Each pause is 1.5 times as long as the one before, up to this one.</summary>
    public static readonly TimeSpan MaxPollPause = TimeSpan.FromSeconds(2.5);

    /// <summary>The longest pause that a <c>Retry-After</c> header can cause. After it, the chat is polled even if Coze asked for a longer pause.</summary>
    public static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The number of consecutive transient failures that end the exchange, with the error of the last one. Any other error ends it at once with
    /// <see cref="ErrorCode.UpstreamOutcomeUnknown"/>.
    /// </summary>
    public const int MaxPollFailures = 5;

    /// <summary>
    /// How many times a completed chat is polled again if its message list lacks an answer, because the list may lag behind. Then the reply fails with
    /// <see cref="ErrorCode.UpstreamProtocol"/>. It ends without an answer only if the list has other messages of the bot and no answer had begun.
    /// </summary>
    public const int MaxPollsForAnswer = 2;
}
