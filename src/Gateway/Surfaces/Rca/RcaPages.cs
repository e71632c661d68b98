using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>The pages that try the three modes. They are one file, which needs nothing else, with the name of the mode in it.</summary>
internal static class RcaPages
{
    private const string Policy =
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'";

    private static readonly Lazy<string> Template = new(Read);

    public static Task Write(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        return response.WriteAsync(Template.Value.Replace("{{mode}}", RcaOptions.ModeOf(context), StringComparison.Ordinal), context.RequestAborted);
    }

    private static string Read()
    {
        using var stream = typeof(RcaPages).Assembly.GetManifestResourceStream("CozeCluster.Gateway.Surfaces.Rca.demo.html")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
