using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Sse;

namespace CozeCluster.Upstreams.Claude;

/// <summary>Every timeout, retry and limit of an exchange with Claude's API, and what happens when it is reached.</summary>
/// <remarks>
/// <para>
/// Set elsewhere. The bot's <see cref="TurnTimeouts"/> limit a whole turn. When one fires, the conversation grain closes the exchange, which closes its
/// connection, and Claude stops. <see cref="UpstreamHandlers"/> limits connecting. <see cref="SseRecordReader.MaxRecord"/> limits one event of a stream.
/// </para>
/// <para>
/// Retries. This upstream sends every request once. The conversation grain decides by the <see cref="RecoveryAction"/> of an error whether it starts another
/// attempt. A reply runs only as long as its connection, so a request whose connection broke can be sent again.
/// </para>
/// </remarks>
internal static class ClaudeLimits
{
    /// <summary>The number of bytes read of an error response, 64 KiB. The rest is ignored.</summary>
    public const int MaxErrorBody = 64 * 1024;

    /// <summary>The size of a request, 32 MB, by Claude's documentation. Files that exceed it are refused with <see cref="ErrorCode.FileRejected"/>.</summary>
    public const long MaxRequest = 32 * 1000 * 1000;

    /// <summary>The length of the input of one tool call, in UTF-16 units. A longer one ends the reply with <see cref="ErrorCode.UpstreamProtocol"/>.</summary>
    public const int MaxToolInput = 1024 * 1024;

    /// <summary>The number of content blocks of one reply; handled as <see cref="MaxToolInput"/>.</summary>
    public const int MaxBlocks = 10_000;

    /// <summary>The smallest thinking budget that Claude accepts, in tokens. A turn with fewer output tokens does not think.</summary>
    public const int MinThinkingBudget = 1024;

    /// <summary>The length of the title of a document.</summary>
    public const int MaxTitle = 255;
}
