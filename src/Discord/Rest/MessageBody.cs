using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Discord;

/// <summary>Creates the bodies of message requests: JSON, or multipart with <c>payload_json</c> and <c>files[n]</c>.</summary>
internal static class MessageBody
{
    /// <summary>Checks a message and completes it for sending: with a nonce, and with its files listed as attachments.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.FileRejected"/>: more or larger files than Discord accepts; <see cref="ErrorCode.UpstreamInvalidRequest"/>: too long, empty, or a
    /// nonce that is not valid.
    /// </exception>
    public static NewMessage Prepare(NewMessage message)
    {
        Check(message);
        return message with
        {
            Nonce = message.Nonce ?? NewNonce(),
            EnforceNonce = true,
            Attachments = message.Files.Count == 0
                ? null
                : [.. message.Files.Select((file, n) => new AttachmentDraft(new Snowflake((ulong)n), file.Name, file.Description))],
        };
    }

    /// <summary>Creates the body of a prepared message.</summary>
    public static async ValueTask<HttpContent> Create(NewMessage message, CancellationToken cancellationToken)
    {
        var payload = Json(JsonSerializer.SerializeToUtf8Bytes(message, DiscordJson.Default.NewMessage));
        if (message.Files.Count == 0) return payload;

        // File names are sent as UTF-8, as browsers do. The encoded forms of the base library are not understood everywhere.
        var body = new MultipartFormDataContent { HeaderEncodingSelector = static (_, _) => Encoding.UTF8 };
        try
        {
            body.Add(payload, "payload_json");
            for (var n = 0; n < message.Files.Count; n++) body.Add(await File(message.Files[n], n, cancellationToken).ConfigureAwait(false));
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Creates a JSON body.</summary>
    public static HttpContent Json(byte[] utf8)
    {
        var content = new ByteArrayContent(utf8);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private static string NewNonce() => RandomNumberGenerator.GetHexString(DiscordLimits.NonceLength - 1, lowercase: true);

    private static async ValueTask<HttpContent> File(DiscordFile file, int n, CancellationToken cancellationToken)
    {
        var content = new StreamContent(await file.Open(cancellationToken).ConfigureAwait(false));
        if (MediaTypeHeaderValue.TryParse(file.ContentType, out var type)) content.Headers.ContentType = type;
        content.Headers.ContentLength = file.Length;
        content.Headers.TryAddWithoutValidation("Content-Disposition", $"form-data; name=\"files[{n}]\"; filename=\"{Quotable(file.Name)}\"");
        return content;
    }

    private static string Quotable(string name)
    {
        var safe = new string([.. name.Where(c => !char.IsControl(c))]).Replace("\"", "%22", StringComparison.Ordinal);
        return safe.Trim().Length == 0 ? "file" : safe;
    }

    private static void Check(NewMessage message)
    {
        if (message.Content is { Length: > DiscordLimits.MessageUnits } content)
        {
            throw Invalid($"The message has {content.Length} UTF-16 code units; Discord accepts {DiscordLimits.MessageUnits}.");
        }
        if (string.IsNullOrWhiteSpace(message.Content) && message.Files.Count == 0) throw Invalid("The message has neither text nor a file.");
        if (message.Nonce is { } nonce && nonce.Length is 0 or > DiscordLimits.NonceLength)
        {
            throw Invalid($"A nonce has 1 to {DiscordLimits.NonceLength} characters.");
        }
        if (DiscordLimits.FindFileProblem([.. message.Files.Select(file => (file.Name, file.Length))]) is { } problem)
        {
            throw new ClusterException(ErrorCode.FileRejected, problem);
        }
    }

    private static ClusterException Invalid(string message) => new(ErrorCode.UpstreamInvalidRequest, message);
}
