using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>Every limit of an exchange with Gemini, and what happens when it is reached.</summary>
/// <remarks>
/// <para>
/// Set elsewhere. The bot's <see cref="TurnTimeouts"/> limit a whole turn: files of the prompt, request and stream. <see cref="UpstreamHandlers"/> allows 10 s
/// for connecting. <see cref="ISafeFetcher"/> limits each file that is fetched.
/// </para>
/// <para>
/// No request is repeated here; the conversation grain decides about another attempt. A model keeps nothing of a request, so a request whose connection broke
/// before the answer may be sent again: it fails with <see cref="ErrorCode.UpstreamUnavailable"/>.
/// </para>
/// </remarks>
internal static class GeminiLimits
{
    /// <summary>The number of bytes read of an error response, 64 KiB. The rest is ignored.</summary>
    public const int MaxErrorBody = 64 * 1024;

    /// <summary>The largest event of a stream, 32 MiB: an image arrives in one. A larger one ends the exchange with a protocol error.</summary>
    public const int MaxRecord = 32 * 1024 * 1024;

    /// <summary>The bytes of all images and files of a prompt together, 20 MB, before they are encoded. More is refused as <c>FileRejected</c>.</summary>
    public const int MaxMediaBytes = 20 * 1024 * 1024;

    /// <summary>The number of different URLs that are fetched for one prompt. More are refused as <c>FileRejected</c>.</summary>
    public const int MaxFetches = 16;

    /// <summary>The number of images of a reply that are kept. Later ones are dropped.</summary>
    public const int MaxImages = 16;

    /// <summary>The length of an id of a tool call, which the surfaces accept. A signature that does not fit into it is remembered in memory.</summary>
    public const int MaxCallId = 256;

    /// <summary>The length of a thought signature that is remembered, in characters. A longer one is dropped.</summary>
    public const int MaxSignature = 32 * 1024;

    /// <summary>The length of all remembered signatures of the process, in characters. The oldest are dropped.</summary>
    public const int MaxSignatures = 16 * 1024 * 1024;

    /// <summary>How long a signature is remembered.</summary>
    public static readonly TimeSpan SignatureLifetime = TimeSpan.FromHours(1);
}
