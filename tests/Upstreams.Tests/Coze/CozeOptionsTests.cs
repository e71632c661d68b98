using CozeCluster.Upstreams.Coze;

namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeOptionsTests
{
    [Fact]
    public void TryParse_EveryOption_IsRead()
    {
        Assert.True(CozeBotOptions.TryParse(
            new Dictionary<string, string>
            {
                ["connector_id"] = "999",
                ["publish_status"] = "unpublished_draft",
                ["bot_version"] = "17",
                ["enable_card"] = "true",
                ["latitude"] = "52.5",
                ["longitude"] = "-13.4",
                ["parameters.city"] = "\"Berlin\"",
                ["parameters_json.days"] = "[1,2]",
            },
            out var options,
            out var errors));

        Assert.Empty(errors);
        Assert.Equal(("999", "unpublished_draft", "17", true), (options.ConnectorId, options.PublishStatus, options.BotVersion, options.EnableCard));
        Assert.Equal(("52.5", "-13.4"), (options.Latitude, options.Longitude));
        Assert.Equal(["\"\\u0022Berlin\\u0022\"", "[1,2]"], options.Parameters.OrderBy(p => p.Key).Select(p => p.Value));
    }

    [Theory]
    [InlineData("connector", "1024", "unknown")]
    [InlineData("connector_id", " ", "text")]
    [InlineData("publish_status", "draft", "published_online")]
    [InlineData("enable_card", "yes", "true or false")]
    [InlineData("latitude", "91", "degrees")]
    [InlineData("longitude", "east", "degrees")]
    [InlineData("parameters.", "x", "unknown")]
    [InlineData("parameters_json.a", "{", "JSON")]
    public void TryParse_InvalidOption_IsNamedWithTheExpectedValue(string name, string value, string expected)
    {
        Assert.False(CozeBotOptions.TryParse(new Dictionary<string, string> { [name] = value, ["bot_version"] = "1" }, out var options, out var errors));

        var error = Assert.Single(errors);
        Assert.Equal(name, error.Key);
        Assert.Contains(expected, error.Value);
        Assert.Equal("1", options.BotVersion);
    }

    [Fact]
    public void TryParse_ParameterTwice_IsInvalid() => Assert.False(CozeBotOptions.TryParse(
        new Dictionary<string, string> { ["parameters.a"] = "1", ["parameters_json.a"] = "1" }, out _, out _));

    [Theory]
    [InlineData("token_lifetime_seconds", "3599", true)]
    [InlineData("token_lifetime_seconds", "59", false)]
    [InlineData("token_lifetime_seconds", "86400", false)]
    [InlineData("token_lifetime_seconds", "1h", false)]
    [InlineData("token", "1", false)]
    public void TryParse_AccountOptions_AreChecked(string name, string value, bool isValid)
    {
        Assert.Equal(isValid, CozeAccountOptions.TryParse(new Dictionary<string, string> { [name] = value }, out var options, out var errors));

        Assert.Equal(isValid ? 3599 : 3600, options.TokenLifetime.TotalSeconds);
        Assert.Equal(isValid, errors.Count == 0);
    }
}
