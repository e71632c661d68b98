
namespace CozeCluster.Discord.Tests;

public sealed class CozeNoticesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 30, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset NineInBeijing = new(2026, 3, 1, 1, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, ErrorCode, RecoveryAction, bool> Notices => new()
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
    [MemberData(nameof(Notices))]
    public void Each_notice_has_its_error_and_cure(string name, ErrorCode code, RecoveryAction cure, bool isDaily)
    {
        var text = Sandbox.Discord.CozeNotices.All[name];

        foreach (var form in (string[])[text, $"<@123> <@!456> {text}\n", text.Replace('\'', '’')])
        {
            var notice = CozeNotices.Match(form, Now)!;
            Assert.Equal((code, cure, isDaily ? NineInBeijing : null), (notice.Code, notice.RecoveryAction, notice.Until));
            Assert.Equal(new Error(code, $"Coze says: {text}", Until: notice.Until) { OwnRecoveryAction = cure }, notice.ToError());
        }
        for (var length = 0; length <= text.Length; length++) Assert.True(CozeNotices.MayBecome(text[..length]));
    }

    [Fact]
    public void Every_notice_that_the_sandbox_knows_is_tested() =>
        Assert.Equal(Sandbox.Discord.CozeNotices.All.Keys.Order(), Notices.Select(row => row.Data.Item1).Order());

    [Theory]
    [InlineData("Coze answers \"There are too many users now. Please try again a bit later.\" when it is busy.")]
    [InlineData("I'm sorry, but I can't assist with that. What I can do instead is this.")]
    [InlineData("Something wrong")]
    [InlineData("")]
    public void A_reply_that_quotes_or_begins_like_one_is_none(string text) => Assert.Null(CozeNotices.Match(text, Now));

    [Fact]
    public void A_long_text_that_begins_like_one_is_none()
    {
        var text = "There are too many users now" + new string('.', 200);

        Assert.Null(CozeNotices.Match(text, Now));
        Assert.False(CozeNotices.MayBecome(text));
        Assert.False(CozeNotices.MayBecome("Hello"));
        Assert.False(CozeNotices.MayBecome("I'm sorry, but I can't assist with that. But"));
    }

    [Fact]
    public void Limits_are_lifted_at_the_next_reset_of_the_given_place()
    {
        Assert.Equal(NineInBeijing.AddDays(1), DailyReset.Default.Next(NineInBeijing));
        Assert.Equal(NineInBeijing, DailyReset.Default.Next(NineInBeijing.AddTicks(-1)));
        var midnight = new DailyReset(new TimeOnly(0, 0), TimeSpan.FromHours(-7));
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 7, 0, 0, TimeSpan.Zero), CozeNotices.Match(Sandbox.Discord.CozeNotices.All["daily_limit"], Now, midnight)!.Until);
    }
}
