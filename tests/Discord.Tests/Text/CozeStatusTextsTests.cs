
namespace CozeCluster.Discord.Tests;

public sealed class CozeStatusTextsTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 30, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset NineInBeijing = new(2026, 3, 1, 1, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, ErrorCode, RecoveryAction, bool> StatusTexts => new()
    {
        { "error", ErrorCode.UpstreamFailed, RecoveryAction.Retry, false },
        { "error_community", ErrorCode.UpstreamFailed, RecoveryAction.Retry, false },
        { "unusual_traffic", ErrorCode.UpstreamForbidden, RecoveryAction.RotateAccount, false },
        { "too_many_users", ErrorCode.UpstreamBusy, RecoveryAction.Retry, false },
        { "refusal", ErrorCode.ContentFiltered, RecoveryAction.GiveUp, false },
        { "daily_limit", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, true },
        { "free_credits", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, true },
        { "daily_credits", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount, true },
        { "creator_credits", ErrorCode.UpstreamQuotaExceeded, RecoveryAction.CoolBot, true },
    };

    [Theory]
    [MemberData(nameof(StatusTexts))]
    public void Each_status_text_has_its_error_and_recovery_action(string name, ErrorCode code, RecoveryAction action, bool isDaily)
    {
        var text = Sandbox.Discord.CozeNotices.All[name];

        foreach (var form in (string[])[text, $"<@123> <@!456> {text}\n", text.Replace('\'', '’')])
        {
            var status = CozeStatusTexts.Match(form, Now)!;
            Assert.Equal((code, action, isDaily ? NineInBeijing : null), (status.Code, status.RecoveryAction, status.Until));
            var error = status.ToError();
            Assert.Equal((code, status.Until, action), (error.Code, error.Until, error.RecoveryAction));
            Assert.StartsWith($"Coze says: {text[..25]}", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("://", error.Message, StringComparison.Ordinal);
        }
        for (var length = 0; length <= text.Length; length++) Assert.True(CozeStatusTexts.MayBecomeOne(text[..length]));
    }

    [Fact]
    public void Every_status_text_of_the_sandbox_is_tested() =>
        Assert.Equal(Sandbox.Discord.CozeNotices.All.Keys.Order(), StatusTexts.Select(row => row.Data.Item1).Order());

    [Theory]
    [InlineData("Coze answers \"There are too many users now. Please try again a bit later.\" when it is busy.")]
    [InlineData("I'm sorry, but I can't assist with that. What I can do instead is this.")]
    [InlineData("Something wrong")]
    [InlineData("")]
    public void Reply_that_quotes_or_begins_like_a_status_text_does_not_match(string text) => Assert.Null(CozeStatusTexts.Match(text, Now));

    [Theory]
    [InlineData("There are too many users now")]
    [InlineData("Something wrong occurs, please retry")]
    public void Long_text_that_begins_like_a_status_text_does_not_match(string beginning)
    {
        var text = beginning + new string('.', 200);

        Assert.Null(CozeStatusTexts.Match(text, Now));
        Assert.False(CozeStatusTexts.MayBecomeOne(text));
        Assert.False(CozeStatusTexts.MayBecomeOne("Hello"));
        Assert.False(CozeStatusTexts.MayBecomeOne("I'm sorry, but I can't assist with that. But"));
    }

    [Theory]
    [InlineData("free_credits")]
    [InlineData("daily_limit")]
    [InlineData("error")]
    public void Length_of_links_does_not_matter(string name)
    {
        var text = $"{Sandbox.Discord.CozeNotices.All[name]} [More about this](https://www.coze.com/docs/guides?{new string('x', 900)})";

        var status = CozeStatusTexts.Match(text, Now);

        Assert.Equal(CozeStatusTexts.Match(Sandbox.Discord.CozeNotices.All[name], Now)!.Code, status?.Code);
        for (var length = 0; length <= text.Length; length++) Assert.True(CozeStatusTexts.MayBecomeOne(text[..length]), text[..length]);
    }

    [Fact]
    public void Other_words_about_credits_are_known_by_where_they_link_to()
    {
        const string Text = "Oh no, your free messages are gone! Get more [here](https://www.coze.com/premium?connectID=10000028&botID=7376964308913422354).";

        var status = CozeStatusTexts.Match(Text, Now)!;
        Assert.Equal((ErrorCode.UpstreamQuotaExceeded, RecoveryAction.RotateAccount), (status.Code, status.RecoveryAction));
        Assert.Null(CozeStatusTexts.Match("Coze's prices are at https://www.coze.com/premium, and its bots at https://www.coze.com/store?botID=7.", Now));
    }

    [Fact]
    public void Limits_end_at_the_next_daily_reset()
    {
        Assert.Equal(NineInBeijing.AddDays(1), DailyReset.Default.Next(NineInBeijing));
        Assert.Equal(NineInBeijing, DailyReset.Default.Next(NineInBeijing.AddTicks(-1)));
        var midnight = new DailyReset(new TimeOnly(0, 0), TimeSpan.FromHours(-7));
        var status = CozeStatusTexts.Match(Sandbox.Discord.CozeNotices.All["daily_limit"], Now, midnight)!;
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 7, 0, 0, TimeSpan.Zero), status.Until);
    }
}
