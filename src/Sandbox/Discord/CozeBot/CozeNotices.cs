namespace CozeCluster.Sandbox.Discord;

/// <summary>The texts Coze sends in place of a reply, by the name a directive gives them.</summary>
public static class CozeNotices
{
    /// <summary>Notices by name. <c>daily_limit</c>, <c>free_credits</c> and <c>daily_credits</c> concern the sender, <c>creator_credits</c> the bot.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["error"] = "Something wrong occurs, please retry. If the error persists, please contact the support team.",
        ["error_community"] = "Some error occurred. Please try again or contact the support team in our communities.",
        ["unusual_traffic"] = "We've detected unusual traffic from your network, so Coze is temporarily unavailable.",
        ["too_many_users"] = "There are too many users now. Please try again a bit later.",
        ["refusal"] = "I'm sorry, but I can't assist with that.",
        ["daily_limit"] = "You have exceeded the daily limit for sending messages to the bot. Please try again later.",
        ["free_credits"] = "Hi there! You've used up your free chat credits. To continue enjoying our service, please consider upgrading to our "
            + "premium plan [Upgrade to Coze Premium to chat]",
        ["daily_credits"] = "Hi there! You've used up your credits for today. To continue enjoying our service, please try again tomorrow or "
            + "consider upgrading to our premium plan.",
        ["creator_credits"] = "The bot's usage is covered by the developer, but due to the developer's message credits being exhausted, "
            + "the bot is temporarily unavailable.",
    };
}
