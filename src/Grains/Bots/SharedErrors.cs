namespace CozeCluster.Grains;

/// <summary>
/// Errors of bots and accounts for turns other than the one that met them. The upstream's own words stay with that turn and with operators: they may name the
/// bot, or quote the prompt, of another tenant.
/// </summary>
internal static class SharedErrors
{
    /// <summary>The error for other turns, with the same code.</summary>
    public static Error Of(Error error) => new(error.Code, MessageOf(error.Code), Until: error.Until);

    private static string MessageOf(ErrorCode code) => code switch
    {
        ErrorCode.UpstreamRateLimited => "The bot's platform limits the rate of requests for now.",
        ErrorCode.UpstreamQuotaExceeded => "The account of the bot has no credits left for now.",
        ErrorCode.UpstreamUnauthorized => "The bot's platform does not accept the account of the bot. Its operator has to act.",
        ErrorCode.UpstreamForbidden => "The bot's platform does not let the account use the bot. Its operator has to act.",
        ErrorCode.UpstreamNotFound => "The bot's platform does not have the bot. Its operator has to act.",
        _ => "The bot is cooling down after a failure.",
    };
}
