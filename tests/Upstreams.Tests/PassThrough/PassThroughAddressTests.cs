using CozeCluster.Upstreams.PassThrough;

namespace CozeCluster.Upstreams.Tests.PassThrough;

public sealed class PassThroughAddressTests
{
    [Theory]
    [InlineData("openai", "https://api.openai.com/v1", "/v1/chat/completions", "", "https://api.openai.com/v1/chat/completions")]
    [InlineData("openai", "https://api.openai.com/v1", "/dashboard/billing/usage", "?a=1", "https://api.openai.com/dashboard/billing/usage?a=1")]
    [InlineData("openai", "https://open.example/api/paas/v4", "/v1/models", "", "https://open.example/api/paas/v4/models")]
    [InlineData("claude", "https://api.anthropic.com", "/v1/messages", "", "https://api.anthropic.com/v1/messages")]
    [InlineData("claude", "https://api.anthropic.com/v1/", "/v1/messages", "", "https://api.anthropic.com/v1/messages")]
    [InlineData("gemini", "https://g.example/v1beta", "/v1/models/x:generateContent", "?alt=sse", "https://g.example/v1/models/x:generateContent?alt=sse")]
    [InlineData("gemini", "https://g.example", "/v1beta/models", "", "https://g.example/v1beta/models")]
    [InlineData("openai", "https://a.example/v1", "/v1/models/ft:gpt%2Fx", "", "https://a.example/v1/models/ft:gpt%2Fx")]
    [InlineData("openai", "https://a.example/v1", "/v1/a..b", "", "https://a.example/v1/a..b")]
    public void Path_is_below_the_address_of_the_account(string upstream, string baseUrl, string path, string query, string expected) =>
        Assert.Equal(expected, PassThroughAddress.Of(upstream, baseUrl, path, query).AbsoluteUri);

    [Theory]
    [InlineData("/v1/../x")]
    [InlineData("/v1/%2e%2e/x")]
    [InlineData("/v1/%252e%252e/x")]
    [InlineData("/v1/%2525252525252e/x")]
    [InlineData("/v1/..%2fx")]
    [InlineData("/v1/..\\x")]
    [InlineData("/v1/..%5cx")]
    [InlineData("/./x")]
    [InlineData("//evil.example/x")]
    [InlineData("/%2fevil.example/x")]
    [InlineData("@evil.example/x")]
    [InlineData(".evil.example/x")]
    [InlineData(":1/x")]
    [InlineData("")]
    [InlineData("/x%00")]
    [InlineData("/x%0d%0a")]
    [InlineData("/x%23")]
    [InlineData("/x%3fy")]
    public void Path_that_leaves_it_is_refused(string path)
    {
        var error = Assert.Throws<ClusterException>(() => PassThroughAddress.Of("openai", "https://a.example/deep/v1", path, ""));

        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
    }

    [Theory]
    [InlineData("ftp://a.example")]
    [InlineData("a.example")]
    [InlineData("https://a.example/?x=1")]
    public void Address_of_the_account_must_be_one_of_a_server(string baseUrl) => Assert.Equal(
        ErrorCode.UpstreamUnavailable, Assert.Throws<ClusterException>(() => PassThroughAddress.Of("openai", baseUrl, "/v1/x", "")).Code);
}
