using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Replies;

/// <summary>
/// Completes the addresses of <see cref="ReplyFiles"/> in replies: these are paths, because whoever keeps a file does not know where the client reaches a
/// gateway. The client's own request shows it.
/// </summary>
/// <param name="Origin">Scheme and host, without a slash at the end.</param>
internal sealed record ReplyAddresses(string Origin)
{
    /// <summary>The addresses as the client of a request sees them.</summary>
    public static ReplyAddresses Of(HttpContext context)
    {
        var request = context.Request;
        // A proxy that ends TLS usually says so, and passes the host on.
        var isSecure = request.IsHttps || request.Headers["X-Forwarded-Proto"].ToString().Equals("https", StringComparison.OrdinalIgnoreCase);
        return new ReplyAddresses($"{(isSecure ? "https" : "http")}://{request.Host.ToUriComponent()}");
    }

    /// <summary>Completes the addresses of an item.</summary>
    public ReplyItem Complete(ReplyItem item) => item switch
    {
        ImageItem image when ReplyFiles.FindBlobId(image.Url) is not null => image with { Url = Origin + image.Url },
        OtherItem { Kind: "file" } file => file with
        {
            Content = file.Content.Replace($"]({ReplyFiles.PathPrefix}", $"]({Origin}{ReplyFiles.PathPrefix}", StringComparison.Ordinal),
        },
        _ => item,
    };

    /// <summary>Reads the id of the blob from an address that <see cref="Complete"/> has completed; null if it is another address.</summary>
    public string? FindBlobId(string url) => url.StartsWith(Origin, StringComparison.Ordinal) ? ReplyFiles.FindBlobId(url[Origin.Length..]) : null;
}
