
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
            Assert.Equal(new Error(code, $"Coze says: {text}", Until: status.Until) { OwnRecoveryAction = action }, status.ToError());
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

    [Fact]
    public void Long_text_that_begins_like_a_status_text_does_not_match()
    {
        var text = "There are too many users now" + new string('.', 200);

        Assert.Null(CozeStatusTexts.Match(text, Now));
        Assert.False(CozeStatusTexts.MayBecomeOne(text));
        Assert.False(CozeStatusTexts.MayBecomeOne("Hello"));
        Assert.False(CozeStatusTexts.MayBecomeOne("I'm sorry, but I can't assist with that. But"));
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
