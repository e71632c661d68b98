using System.Globalization;
using System.Security.Cryptography;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>Request ids in the form of coze-discord-proxy: the time, its nanoseconds, and eight random characters.</summary>
internal static class CdpRequestId
{
    private const string Characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <summary>Gives a request an id in this form, in its log line too.</summary>
    public static void SetNew(HttpContext context, DateTimeOffset now)
    {
        var id = New(now);
        RequestInfo.Of(context).RequestId = id;
        context.Response.Headers["x-request-id"] = id;
    }

    private static string New(DateTimeOffset now)
    {
        var nanoseconds = now.Ticks % TimeSpan.TicksPerSecond * 100;
        return string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMddHHmmss}{nanoseconds}{RandomNumberGenerator.GetString(Characters, 8)}");
    }
}
