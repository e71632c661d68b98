using System.Globalization;
using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>The settings of an endpoint, and those that a request has in its headers.</summary>
internal static class CdpOptions
{
    /// <summary>The longest time that a request can ask for, in seconds.</summary>
    private const long MaxSeconds = 86_400;

    /// <summary>Whether the model list is always the built-in one.</summary>
    public static bool ListsBuiltinModels(HttpContext context) => CompatRequest.Option(context, "builtin_models") == "true";

    /// <summary>Whether the routes under <c>/api</c> do not exist.</summary>
    public static bool IsOnlyOpenAi(HttpContext context) => CompatRequest.Option(context, "only_openai_api") == "true";

    /// <summary>How long a reply may take that is not streamed; null: as long as the bot's timeouts allow.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>: the header is not a number of seconds.</exception>
    public static TimeSpan? ReadTotal(HttpContext context) => ReadTime(context, "request_out_time");

    /// <summary>How long a streamed reply may pause; null: as long as the bot's timeouts allow.</summary>
    /// <inheritdoc cref="ReadTotal"/>
    public static TimeSpan? ReadPause(HttpContext context) => ReadTime(context, "stream_request_out_time");

    private static TimeSpan? ReadTime(HttpContext context, string option)
    {
        var header = context.Request.Headers[CdpErrors.OutTime].ToString();
        var text = header.Length > 0 ? header : CompatRequest.Option(context, option);
        if (string.IsNullOrEmpty(text)) return null;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) || seconds <= 0)
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, "Invalid header 'out-time': expected a whole number of seconds, greater than 0.", CdpErrors.OutTime);
        }
        return TimeSpan.FromSeconds(Math.Min(seconds, MaxSeconds));
    }
}
