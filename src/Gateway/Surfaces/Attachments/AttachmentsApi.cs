using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Attachments;

/// <summary>
/// <c>GET /v1/attachments/…</c>: the files of <see cref="ReplyFiles"/>. Their addresses are in replies, and programs that show a reply fetch them without a
/// key. Only pictures are shown; a browser saves everything else, and takes nothing for a page or a script.
/// </summary>
internal static class AttachmentsApi
{
    private const string Pattern = ReplyFiles.PathPrefix + "{id}/{name}";

    public static void Map(IEndpointRouteBuilder routes)
    {
        RequestDelegate serve = Serve;
        routes.MapMethods(Pattern, ["HEAD"], serve).WithMetadata(new DebugLogRoute());
        routes.MapMethods(Pattern, ["GET"], serve).WithMetadata(new DebugLogRoute()).Describe(
            serve.Method, "Attachments", "getAttachment", "Reads a file of a reply, without a key.", static operation =>
            {
                operation.Security = [];
                operation.Parameters = [Schemas.Path("id", "From the address in the reply."), Schemas.Path("name", "From the address in the reply.")];
                var content = Schemas.Content("application/octet-stream", Schemas.String());
                operation.Responses!.Add("200", new OpenApiResponse { Description = "The file.", Content = content });
            });
    }

    private static async Task Serve(HttpContext context)
    {
        var blobs = context.RequestServices.GetRequiredService<IBlobStore>();
        var id = (string)context.GetRouteValue("id")!;
        if (await ReplyFiles.Open(blobs, id, context.RequestAborted) is not { } content)
        {
            throw new ClusterException(ErrorCode.NotFound, "The file does not exist or has expired.");
        }
        var type = PictureType.Of(content.Span);
        var headers = context.Response.Headers;
        context.Response.ContentType = type ?? "application/octet-stream";
        context.Response.ContentLength = content.Length;
        headers.CacheControl = "private, max-age=3600, immutable";
        headers.ContentDisposition = type is null ? "attachment" : "inline";
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        headers["Cross-Origin-Resource-Policy"] = "cross-origin";
        headers["Referrer-Policy"] = "no-referrer";
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(content, context.RequestAborted);
    }
}

/// <summary>Recognizes pictures by their first bytes, whatever their name says. SVG is not among them, because it can contain scripts.</summary>
internal static class PictureType
{
    /// <summary>The media type; null if the content is no picture that browsers show.</summary>
    public static string? Of(ReadOnlySpan<byte> content)
    {
        if (MediaTypes.Detect(content)?.Type is ("image/png" or "image/jpeg" or "image/gif" or "image/webp" or "image/avif") and var type) return type;
        return content.StartsWith("BM"u8) ? "image/bmp" : null;
    }
}
