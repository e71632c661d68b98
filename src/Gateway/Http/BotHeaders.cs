using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>Writes the bot that answers, and the number of attempts, into headers for keys that may see them.</summary>
internal static class BotHeaders
{
    /// <summary>
    /// Sets the headers when the response starts. A streamed response that starts before the first content of the reply, because that takes long, has none.
    /// </summary>
    public static void AddTo(HttpResponse response, RequestKey key) => response.OnStarting(static state =>
    {
        var (response, key) = ((HttpResponse, RequestKey))state;
        if (key.FindSource?.Invoke() is not { } source) return Task.CompletedTask;
        response.Headers["x-bot"] = source.BotId;
        response.Headers["x-attempts"] = source.Attempts.ToString(CultureInfo.InvariantCulture);
        return Task.CompletedTask;
    }, (response, key));
}
