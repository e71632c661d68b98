using System.Text.RegularExpressions;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// Classifies errors whose code is unknown by their words, in English and Chinese. Coze adds codes without documenting them, and compatible servers have their
/// own.
/// </summary>
internal static partial class CozeWording
{
    /// <summary>What a message is about; null if its words do not show it.</summary>
    public static ErrorCode? Classify(string? message)
    {
        if (string.IsNullOrWhiteSpace(message)) return null;
        // Only the beginning says what has happened, and the expressions never run over a huge text.
        if (message.Length > 500) message = message[..500];
        if (Quota().IsMatch(message)) return ErrorCode.UpstreamQuotaExceeded;
        if (RateLimit().IsMatch(message)) return ErrorCode.UpstreamRateLimited;
        if (ContextLength().IsMatch(message)) return ErrorCode.ContextLengthExceeded;
        if (Content().IsMatch(message)) return ErrorCode.ContentFiltered;
        if (IsBadToken(message)) return ErrorCode.UpstreamUnauthorized;
        if (Permission().IsMatch(message)) return ErrorCode.UpstreamForbidden;
        if (Busy().IsMatch(message)) return ErrorCode.UpstreamBusy;
        if (NotFound().IsMatch(message)) return ErrorCode.UpstreamNotFound;
        if (Timeout().IsMatch(message)) return ErrorCode.UpstreamTimeout;
        return null;
    }

    /// <summary>Whether a message says that the token is not valid, in contrast to a valid token without a permission.</summary>
    public static bool IsBadToken(string? message) => message is not null && (BadToken().IsMatch(message) || TokenIsBad().IsMatch(message));

    [GeneratedRegex(
        @"\b(quota|balance|credits?|billing|arrears|insufficient (funds?|points?)|free (plan|tier|trial|usage|calls?)|used up|payment required"
        + @"|upgrade your plan)\b"
        + "|额度|余额|欠费|资源点|免费.{0,6}(用完|用尽|耗尽|上限)|套餐",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Quota();

    [GeneratedRegex(
        @"\b(rate.?limit(s|ed|ing)?|too many requests|too (fast|frequent(ly)?)|throttl(ed|ing)|[qrt]p[ms] (limit|exceed)|request frequency)\b|限流|频率|频繁|请求过多",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex RateLimit();

    [GeneratedRegex(
        @"\b(context (length|window)|maximum (context|tokens)|prompt (is )?too long|(exceed\w*|over) .{0,20}(context|tokens? limit))\b"
        + "|上下文.{0,6}(过长|超)|输入.{0,4}过长",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ContextLength();

    [GeneratedRegex(
        @"\b(sensitive|content (policy|filter|risk|moderation)|inappropriate|violat(es?|ions?|ing)|unsafe content)\b|敏感|违规|内容安全",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Content();

    [GeneratedRegex(
        @"\b(invalid|expired|incorrect|revoked|wrong|bad|missing)\b.{0,30}\b(access token|token|credentials?|authorization|api key)\b|\bunauthenticated\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BadToken();

    [GeneratedRegex(
        @"\b(access token|token|credentials?|authentication|api key)\b.{0,60}\b(invalid|expired|incorrect|revoked|wrong|not valid|failed)\b"
        + "|(令牌|token|鉴权|认证).{0,10}(无效|过期|失效|错误|失败)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TokenIsBad();

    [GeneratedRegex(
        @"\b(permissions?|forbidden|not (allowed|authorized)|unauthorized|access denied|unpublished|not (been )?published)\b|权限|无权|禁止|未发布",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Permission();

    [GeneratedRegex(
        @"\b(is (busy|running|occupied)|in progress|already running|overload(ed)?|try again later)\b|繁忙|正在(处理|进行)|稍后",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Busy();

    [GeneratedRegex(
        @"\b(not (be )?found|(does not|doesn't) exist|no such|unknown (bot|workflow|model))\b|不存在|找不到",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NotFound();

    [GeneratedRegex(@"\b(time(d)?.?out|deadline exceeded)\b|超时", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Timeout();
}
