using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Http;

/// <summary>The end of a path exactly as the client meant it: routing leaves an encoded slash encoded, and then it cannot be told from a real one.</summary>
internal static class RawPath
{
    /// <param name="context">The request.</param>
    /// <param name="prefix">What stands before (<c>/v1/models/</c>).</param>
    /// <param name="routed">What routing made of it, for hosts that hide the raw target.</param>
    public static string Tail(HttpContext context, string prefix, string routed)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target : target[..query];
        return path.StartsWith(prefix, StringComparison.Ordinal) ? Uri.UnescapeDataString(path[prefix.Length..]) : routed;
    }
}
