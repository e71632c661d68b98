using System.Globalization;
using System.Security.Cryptography;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>
/// Gives requests of the mode <c>cdp</c> ids in the form of coze-discord-proxy, in their log lines too: the time, its nanoseconds, and eight random characters.
/// </summary>
internal sealed class CdpRequestIds(RequestDelegate next, TimeProvider time)
{
    private const string Characters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    public Task InvokeAsync(HttpContext context)
    {
        if (CompatRequest.Of(context)?.Mode == CompatMode.Cdp)
        {
            var id = New(time.GetUtcNow());
            RequestInfo.Of(context).RequestId = id;
            context.Response.Headers["x-request-id"] = id;
        }
        return next(context);
    }

    private static string New(DateTimeOffset now)
    {
        var nanoseconds = now.Ticks % TimeSpan.TicksPerSecond * 100;
        return string.Create(CultureInfo.InvariantCulture, $"{now:yyyyMMddHHmmss}{nanoseconds}{RandomNumberGenerator.GetString(Characters, 8)}");
    }
}
