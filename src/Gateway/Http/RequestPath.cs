using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace CozeCluster.Gateway.Http;

/// <summary>The path of a request as the client has sent it. The server decodes it, and resolves its dot segments, before routing.</summary>
internal static class RequestPath
{
    /// <summary>Replaces a value in the path. The value is then in the query parameter that has the name of the path's parameter.</summary>
    public const string InQuery = "-";

    /// <summary>
    /// Whether the path has a dot segment, also as <c>%2e</c>. Clients and proxies resolve such segments, so the request could address something else.
    /// </summary>
    public static bool HasDotSegments(HttpContext context)
    {
        var target = RawTarget(context);
        // The absolute form of a target begins with the scheme and the host; see RFC 9112, section 3.2.2.
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        var path = target.StartsWith('/') || authority < 0 ? target : target[(authority + 3)..];
        return DotSegments.AreIn(path.Replace("%2e", ".", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>
    /// Reads a value of the path, percent-decoded once. It reads the raw path, because routing leaves an encoded slash encoded (<c>%2F</c>): a name that
    /// contains a slash and one that contains the text <c>%2F</c> would look the same.
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="name">The name of a parameter that is a whole segment of the route's pattern, or of one that has all the rest of the path.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: the raw path is not the one that was routed.</exception>
    public static string Read(HttpContext context, string name)
    {
        var value = ReadRaw(context, name);
        return value == InQuery && context.Request.Query[name] is [{ Length: > 0 } given] ? given : value;
    }

    private static string ReadRaw(HttpContext context, string name)
    {
        var target = RawTarget(context);
        // The host provides no raw path, or one in another form.
        if (!target.StartsWith('/')) return (string?)context.GetRouteValue(name) ?? "";
        var pattern = ((RouteEndpoint)context.GetEndpoint()!).RoutePattern;
        var raw = target.Split('/');
        // Routing sees only the end of the raw path: the server has removed the endpoint's path and a doubled version from its start.
        var removed = raw.Length - context.Request.Path.Value!.Split('/').Length;
        if (removed < 0) throw new ClusterException(ErrorCode.InvalidRequest, "The path of this request is ambiguous.");
        // A path begins with a slash, so its first piece is empty.
        var place = removed + 1 + pattern.PathSegments.TakeWhile(segment => segment.Parts is not [RoutePatternParameterPart part] || part.Name != name).Count();
        var rest = raw.AsSpan(Math.Min(place, raw.Length));
        return Uri.UnescapeDataString(pattern.GetParameter(name)!.IsCatchAll ? string.Join('/', rest!) : rest[0]);
    }

    /// <summary>The target of the request without its query; empty if the host does not provide it.</summary>
    private static string RawTarget(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return query < 0 ? target : target[..query];
    }
}

/// <summary>Refuses requests whose path has dot segments, whatever their route.</summary>
internal sealed class DotSegmentRefusal(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context) => RequestPath.HasDotSegments(context)
        ? throw new ClusterException(
            ErrorCode.InvalidRequest,
            "The path of a request must not have '.' or '..' between slashes. Write slashes of a name as %2F; if the name is '.' or '..', write '-' in its "
            + "place, and the name in the query (?name=.. or ?id=..).")
        : next(context);
}
