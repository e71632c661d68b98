using System.Net;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Auth;

/// <summary>Marks routes that an admin's API key opens.</summary>
/// <param name="OpenToThisMachine">Whether a caller on this machine needs no key.</param>
/// <param name="ForBrowsers">Whether people come with a browser: it asks them for the key, as the password of any user.</param>
internal sealed record AdminRoute(bool OpenToThisMachine, bool ForBrowsers = false)
{
    // A proxy on this machine speaks for callers from elsewhere, and so does a page in a browser.
    private static readonly string[] ForOthers = ["forwarded", "x-forwarded-for", "x-real-ip", "via", "origin"];

    /// <summary>How who comes without a key is told what to bring.</summary>
    public static string ChallengeOf(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<AdminRoute>() is { ForBrowsers: true }
        ? "Basic realm=\"CozeCluster: any user name, an admin key as password\", charset=\"UTF-8\""
        : "Bearer";

    /// <summary>Whether a request may go on without a key.</summary>
    public bool IsOpenTo(HttpContext context) =>
        OpenToThisMachine
        && context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
        && !Array.Exists(ForOthers, context.Request.Headers.ContainsKey);
}
