namespace CozeCluster.EndToEnd.Tests.Faults;

/// <summary>An error before the first text is an HTTP status with an OpenAI error body, with and without streaming.</summary>
public sealed class ErrorsBeforeTextTests(NodeFixture node)
{
    /// <summary>Coze's error codes, each with the status and the code for clients.</summary>
    public static TheoryData<int, int, string> Codes => new()
    {
        { 4000, 400, "upstream_invalid_request" },
        { 4001, 502, "upstream_not_found" },
        { 4002, 502, "upstream_not_found" },
        { 4003, 400, "upstream_invalid_request" },
        { 4004, 400, "upstream_invalid_request" },
        { 4005, 400, "upstream_invalid_request" },
        { 4006, 502, "upstream_not_found" },
        { 4007, 400, "upstream_invalid_request" },
        { 4008, 429, "rate_limit_exceeded" },
        { 4009, 429, "rate_limit_exceeded" },
        { 4010, 400, "context_length_exceeded" },
        { 4011, 429, "insufficient_quota" },
        { 4012, 502, "upstream_not_found" },
        { 4013, 502, "upstream_error" },
        { 4014, 400, "content_filter" },
        { 4015, 502, "upstream_forbidden" },
        { 4016, 503, "upstream_busy" },
        { 4019, 429, "insufficient_quota" },
        { 4020, 429, "rate_limit_exceeded" },
        { 4021, 502, "upstream_not_found" },
        { 4022, 429, "insufficient_quota" },
        { 4028, 429, "insufficient_quota" },
        { 4100, 502, "upstream_unauthorized" },
        { 4101, 502, "upstream_forbidden" },
        { 4102, 502, "upstream_forbidden" },
        { 4105, 400, "content_filter" },
        { 4200, 502, "upstream_not_found" },
        { 4300, 400, "invalid_file" },
        { 4302, 400, "invalid_file" },
        { 4303, 400, "invalid_file" },
        { 5000, 502, "upstream_error" },
        { 700012006, 502, "upstream_unauthorized" },
        { 720701013, 502, "upstream_error" },
        { 987654321, 502, "upstream_error" },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task Refused_with_a_code_before_the_stream(int code, int status, string errorCode)
    {
        var response = await node.NewRequest($"early_error={code}").StreamErrorAsync();

        AssertError(response, status, errorCode, code);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task An_error_event_before_any_text(int code, int status, string errorCode)
    {
        var response = await node.NewRequest($"error={code} chunks=10").StreamErrorAsync();

        AssertError(response, status, errorCode, code);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task A_chat_that_fails_before_any_text(int code, int status, string errorCode)
    {
        var request = node.NewRequest($"failed={code} chunks=10");
        var response = await request.StreamErrorAsync();

        AssertError(response, status, errorCode, code);
        // Only a busy conversation and a failure of the bot itself are retried on the same bot.
        if (errorCode is not ("upstream_busy" or "upstream_error")) Assert.Single(request.Chats);
    }

    [Theory]
    [InlineData("early_error=4010", 400, "context_length_exceeded")]
    [InlineData("error=4011", 429, "insufficient_quota")]
    [InlineData("failed=4013 failed_form=bare", 502, "upstream_error")]
    [InlineData("http=503", 503, "upstream_unavailable")]
    [InlineData("error=4020 error_after=3 chunks=10", 429, "rate_limit_exceeded")]
    [InlineData("failed=4013 failed_after=3 chunks=10", 502, "upstream_error")]
    public async Task The_same_without_streaming(string directives, int status, string errorCode)
    {
        var response = await node.NewRequest(directives).CompleteAsync();

        AssertError(response, status, errorCode);
    }

    [Fact]
    public async Task A_failure_without_the_object_of_the_chat() =>
        AssertError(await node.NewRequest("failed=4014 failed_form=bare chunks=3").StreamErrorAsync(), 400, "content_filter", 4014);

    [Theory]
    [InlineData(200, 502, "upstream_protocol_error")]
    [InlineData(302, 502, "upstream_protocol_error")]
    [InlineData(400, 400, "upstream_invalid_request")]
    [InlineData(401, 502, "upstream_unauthorized")]
    [InlineData(402, 429, "insufficient_quota")]
    [InlineData(403, 502, "upstream_forbidden")]
    [InlineData(404, 502, "upstream_not_found")]
    [InlineData(408, 504, "upstream_timeout")]
    [InlineData(413, 400, "upstream_invalid_request")]
    [InlineData(429, 429, "rate_limit_exceeded")]
    [InlineData(500, 502, "upstream_error")]
    [InlineData(502, 503, "upstream_unavailable")]
    [InlineData(503, 503, "upstream_unavailable")]
    [InlineData(504, 504, "upstream_timeout")]
    public async Task An_error_page_of_a_proxy(int http, int status, string errorCode) =>
        AssertError(await node.NewRequest($"http={http}").StreamErrorAsync(), status, errorCode);

    [Fact]
    public async Task A_code_takes_precedence_over_the_status() =>
        AssertError(await node.NewRequest("early_error=4011 http=403").StreamErrorAsync(), 429, "insufficient_quota", 4011);

    [Theory]
    [InlineData("http=429 retry_after=7s")]
    [InlineData("early_error=4020 retry_after=7s")]
    public async Task Retry_after_is_passed_on(string directives)
    {
        var response = await node.NewRequest(directives).StreamErrorAsync();

        AssertError(response, 429, "rate_limit_exceeded");
        Assert.InRange(int.Parse(response.Header("retry-after")!), 1, 7);
    }

    [Theory]
    [InlineData("early_error=4008")]
    [InlineData("early_error=4009")]
    [InlineData("early_error=4020")]
    [InlineData("early_error=4016")]
    [InlineData("early_error=5000")]
    [InlineData("http=503")]
    public async Task Retry_after_is_there_although_Coze_does_not_say_when(string directives)
    {
        var response = await node.NewRequest(directives).StreamErrorAsync();

        Assert.InRange(int.Parse(response.Header("retry-after")!), 1, 10);
    }

    [Fact]
    public async Task Clients_should_not_retry_when_the_account_is_out_of_credit()
    {
        var response = await node.NewRequest("early_error=4011").StreamErrorAsync();

        Assert.Equal("false", response.Header("x-should-retry"));
    }

    [Theory]
    [InlineData("unpublished", 502, "upstream_forbidden")]
    [InlineData("unknown-bot", 502, "upstream_not_found")]
    [InlineData("unauthorized", 502, "upstream_unauthorized")]
    [InlineData("down", 503, "upstream_unavailable")]
    public async Task A_bot_or_account_that_cannot_be_used(string model, int status, string errorCode) =>
        AssertError(await node.NewRequest(model: model).StreamErrorAsync(), status, errorCode);

    [Fact]
    public async Task An_error_does_not_contain_the_token()
    {
        var response = await node.NewRequest("early_error=4100").StreamErrorAsync();

        Assert.DoesNotContain("pat_", response.Json.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("pat_", node.Log, StringComparison.Ordinal);
    }

    private static void AssertError(ApiResponse response, int status, string errorCode, int? cozeCode = null)
    {
        Assert.Equal((status, errorCode), (response.Status, response.Error.Text("code")));
        Assert.Equal(["message", "type", "param", "code"], response.Error.EnumerateObject().Select(member => member.Name));
        Assert.NotEmpty(response.Error.Text("message")!);
        Assert.NotEmpty(response.Error.Text("type")!);
        if (cozeCode is not null) Assert.Contains($"{cozeCode}", response.Error.Text("message"), StringComparison.Ordinal);
        Assert.NotNull(response.Header("x-request-id"));
    }
}
