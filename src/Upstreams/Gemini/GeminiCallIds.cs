using System.Buffers;
using System.Security.Cryptography;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>What the id of a tool call says.</summary>
/// <param name="OwnId">Gemini's own id of the call; null if it gave none.</param>
/// <param name="Signature">The thought signature of the call, as Gemini sent it; null if it had none or it is lost.</param>
internal readonly record struct GeminiCallId(string? OwnId, string? Signature);

/// <summary>
/// Creates and reads the ids of tool calls. Gemini signs what a model thought before a call, and newer models refuse a history without the signature. Clients
/// of other APIs send nothing back but the id, so the signature is a part of it (<c>gcall-ownid.signature</c>, or <c>gnew-random.signature</c> if Gemini
/// gave no id). A signature that is too long for an id is remembered by this process for an hour. It is lost if the next turn comes later or to another
/// process; then the request says so (see <see cref="GeminiContents"/>). Thread-safe.
/// </summary>
internal sealed class GeminiCallIds(TimeProvider time)
{
    private const string WithOwnId = "gcall-";
    private const string WithoutOwnId = "gnew-";
    private const int RandomBytes = 12;

    // The longest own id that is kept: the signature shall fit as well.
    private const int MaxOwnId = 64;

    private static readonly SearchValues<char> IdChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    private static readonly SearchValues<char> SignatureChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=");

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Signature, DateTimeOffset Until)> _signatures = new(StringComparer.Ordinal);
    private readonly Queue<string> _oldest = [];
    private long _length;

    /// <summary>Creates the id of a call that Gemini has made.</summary>
    /// <param name="ownId">Gemini's id; may be null.</param>
    /// <param name="signature">The signature; may be null.</param>
    public string Create(string? ownId, string? signature)
    {
        var isOwn = ownId is { Length: > 0 and <= MaxOwnId } && !ownId.AsSpan().ContainsAnyExcept(IdChars) && UpstreamText.Clean(ownId) == ownId;
        var id = isOwn ? WithOwnId + ownId : WithoutOwnId + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));
        if (signature is not { Length: > 0 and <= GeminiLimits.MaxSignature } || signature.AsSpan().ContainsAnyExcept(SignatureChars)) return id;
        if (id.Length + 1 + signature.Length <= GeminiLimits.MaxCallId)
            return $"{id}.{signature.TrimEnd('=').Replace('+', '-').Replace('/', '_')}";
        // The own id may repeat in other conversations, of other tenants too.
        if (isOwn) id = $"{id}.~{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes))}";
        Remember(id, signature);
        return id;
    }

    /// <summary>Reads the id of a call in a history. Ids that others have created say nothing.</summary>
    public GeminiCallId Read(string id)
    {
        var isOwn = id.StartsWith(WithOwnId, StringComparison.Ordinal);
        if (!isOwn && !id.StartsWith(WithoutOwnId, StringComparison.Ordinal)) return default;
        var dot = id.IndexOf('.', StringComparison.Ordinal);
        var ownId = isOwn ? id[WithOwnId.Length..(dot < 0 ? id.Length : dot)] : null;
        if (ownId is { Length: 0 } || ownId.AsSpan().ContainsAnyExcept(IdChars)) ownId = null;
        var text = dot < 0 ? "" : id[(dot + 1)..];
        if (text.Length > 0 && !text.AsSpan().ContainsAnyExcept(SignatureChars)) return new GeminiCallId(ownId, ToBase64(text));
        lock (_gate)
        {
            var known = _signatures.TryGetValue(id, out var kept) && kept.Until > time.GetUtcNow();
            return new GeminiCallId(ownId, known ? kept.Signature : null);
        }
    }

    private static string ToBase64(string text)
    {
        text = text.Replace('-', '+').Replace('_', '/');
        return text.PadRight((text.Length + 3) / 4 * 4, '=');
    }

    private void Remember(string id, string signature)
    {
        lock (_gate)
        {
            _signatures[id] = (signature, time.GetUtcNow() + GeminiLimits.SignatureLifetime);
            _oldest.Enqueue(id);
            _length += signature.Length;
            while (_oldest.TryPeek(out var oldest))
            {
                var (text, until) = _signatures[oldest];
                if (_length <= GeminiLimits.MaxSignatures && until > time.GetUtcNow()) break;
                _oldest.Dequeue();
                _signatures.Remove(oldest);
                _length -= text.Length;
            }
        }
    }
}
