using System.Net;
using CozeCluster.Upstreams.OpenAi;

namespace CozeCluster.Upstreams.Tests.OpenAi;

public sealed class OpenAiErrorsTests
{
    [Theory]
    [InlineData("rate_limit_exceeded", 429, "Request too large for gpt-4o on tokens per min: Limit 30000, Requested 40000.", ErrorCode.UpstreamRateLimited)]
    [InlineData("rate_limit_exceeded", 429, "Rate limit reached for gpt-4o on requests per min (RPM).", ErrorCode.UpstreamRateLimited)]
    [InlineData("403", 403, "Your input was flagged by the moderation of the provider.", ErrorCode.ContentFiltered)]
    [InlineData("403", 403, "Your account was flagged.", ErrorCode.UpstreamForbidden)]
    [InlineData(null, 403, "Your content is not allowed from this region.", ErrorCode.UpstreamForbidden)]
    public void Map_RefusalOfAPrompt_IsNotOneOfTheAccount(string? code, int status, string message, ErrorCode expected) =>
        Assert.Equal(expected, OpenAiErrors.Map(new OpenAiRefusal(code, null, message, null), (HttpStatusCode)status));
}
