using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Discord.Tests;

public sealed class DiscordErrorsTests
{
    [Theory]
    [InlineData(401, 0, ErrorCode.UpstreamUnauthorized)]
    [InlineData(401, 50014, ErrorCode.UpstreamUnauthorized)]
    [InlineData(403, 40002, ErrorCode.UpstreamUnauthorized)]
    [InlineData(403, 50001, ErrorCode.UpstreamForbidden)]
    [InlineData(403, 50013, ErrorCode.UpstreamForbidden)]
    [InlineData(401, 40001, ErrorCode.UpstreamForbidden)]
    [InlineData(403, 0, ErrorCode.UpstreamForbidden)]
    [InlineData(404, 10003, ErrorCode.UpstreamNotFound)]
    [InlineData(404, 10004, ErrorCode.UpstreamNotFound)]
    [InlineData(404, 10008, ErrorCode.UpstreamNotFound)]
    [InlineData(404, 0, ErrorCode.UpstreamNotFound)]
    [InlineData(400, 30013, ErrorCode.UpstreamFailed)]
    [InlineData(400, 50035, ErrorCode.UpstreamInvalidRequest)]
    [InlineData(413, 40005, ErrorCode.FileRejected)]
    [InlineData(400, 50045, ErrorCode.FileRejected)]
    [InlineData(413, 0, ErrorCode.FileRejected)]
    [InlineData(400, 200000, ErrorCode.ContentFiltered)]
    [InlineData(400, 240000, ErrorCode.ContentFiltered)]
    [InlineData(429, 20016, ErrorCode.UpstreamRateLimited)]
    [InlineData(429, 20028, ErrorCode.UpstreamRateLimited)]
    [InlineData(429, 0, ErrorCode.UpstreamRateLimited)]
    [InlineData(503, 130000, ErrorCode.UpstreamFailed)]
    [InlineData(500, 0, ErrorCode.UpstreamFailed)]
    [InlineData(504, 0, ErrorCode.UpstreamTimeout)]
    [InlineData(301, 0, ErrorCode.UpstreamProtocol)]
    [InlineData(400, 999999, ErrorCode.UpstreamInvalidRequest)]
    public void Codes_and_statuses_are_mapped(int status, int code, ErrorCode expected) => Assert.Equal(expected, DiscordErrors.Map(status, code));

    [Theory]
    [InlineData(403, 50013, true)]
    [InlineData(403, 160005, true)]
    [InlineData(403, 50007, true)]
    [InlineData(403, 50001, true)]
    [InlineData(403, 0, true)]
    [InlineData(403, 999999, true)]
    [InlineData(429, 20016, true)]
    [InlineData(401, 40001, false)]
    [InlineData(403, 40002, false)]
    [InlineData(401, 0, false)]
    public void Refusal_is_about_one_channel_unless_it_is_about_the_account(int status, int code, bool expected) =>
        Assert.Equal(expected, DiscordErrors.ToException(status, new DiscordErrorBody(code, "text", [], null, false), null, "t").IsForOneBotOnly);

    [Fact]
    public void Captcha_and_limits_of_the_token_are_about_the_account()
    {
        Assert.False(DiscordErrors.ToException(403, DiscordErrorBody.Read("""{"captcha_key":["x"]}"""u8), null, "t").IsForOneBotOnly);
        Assert.False(DiscordErrors.ToException(429, new DiscordErrorBody(0, "text", [], null, true), null, "t", isForAllChannels: true).IsForOneBotOnly);
    }

    [Fact]
    public void Error_contains_the_number_of_every_known_code()
    {
        Assert.NotEmpty(DiscordErrors.KnownCodes);
        Assert.All(DiscordErrors.KnownCodes, code =>
        {
            var error = DiscordErrors.ToException(400, DiscordErrorBody.Read("""{"message":"text"}"""u8) with { Code = code }, null, "the-token");

            Assert.Contains($"code {code}", error.Message, StringComparison.Ordinal);
            Assert.Equal(code, DiscordErrorException.CodeOf(error));
            Assert.Equal(code == 30013, DiscordErrorException.IsGuildFull(error));
        });
    }

    [Fact]
    public void Errors_of_fields_become_paths()
    {
        var body = DiscordErrorBody.Read("""
            {"code":50035,"message":"Invalid Form Body","errors":{
              "content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 2000 or fewer in length."}]},
              "embeds":{"0":{"fields":{"12":{"name":{"_errors":[{"code":"X","message":"This field is required"}]}}}}},
              "_errors":[{"message":"All of it."},7]}}
            """u8);

        Assert.Equal(
            ["content: Must be 2000 or fewer in length.", "embeds[0].fields[12].name: This field is required", "All of it.", "refused"],
            body.Fields);
        Assert.Equal(
            "Discord says: content: Must be 2000 or fewer in length.; embeds[0].fields[12].name: This field is required; All of it.; refused"
                + " (code 50035, HTTP 400)",
            DiscordErrors.ToException(400, body, null, "the-token").Message);
    }

    [Fact]
    public void Required_captcha_is_an_error_of_the_account()
    {
        var body = DiscordErrorBody.Read("""{"captcha_key":["captcha-required"],"captcha_sitekey":"s","captcha_service":"hcaptcha"}"""u8);
        var error = DiscordErrors.ToException(400, body, null, "the-token");

        Assert.Equal((ErrorCode.UpstreamForbidden, RecoveryAction.RotateAccount), (error.Code, error.Info.RecoveryAction));
        Assert.Contains("captcha", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("[1]")]
    [InlineData("""{"code":"x","message":7,"errors":[],"retry_after":"soon","global":1}""")]
    [InlineData("""{"retry_after":-1}""")]
    public void Body_that_Discord_did_not_write_has_no_information(string body)
    {
        var error = DiscordErrorBody.Read(System.Text.Encoding.UTF8.GetBytes(body));

        Assert.Equal((0, null, null, false), (error.Code, error.Message, error.RetryAfter, error.IsGlobal));
        Assert.Equal("Discord returned an error (HTTP 500)", DiscordErrors.ToException(500, error, null, "the-token").Message);
    }

    [Fact]
    public void Texts_are_shortened_and_contain_no_control_characters_and_no_tokens()
    {
        // In pieces, so that this file contains nothing that looks like a token.
        var foreign = "MTAwMDAwMDAwMDAwMDAwMDAwMQ" + ".Gabcde." + new string('x', 38);

        Assert.Equal("a (token) b", UpstreamText.Clean($"a\n\u0007 {foreign}  b", "mine"));
        Assert.Equal("(token)!", UpstreamText.Clean("mine!", "mine"));
        var cut = UpstreamText.Clean(new string('a', 299) + "😀😀", "");
        Assert.Equal(new string('a', 299) + "…", cut);
    }
}
