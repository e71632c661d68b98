namespace CozeCluster.Grains.Abstractions.Tests.Errors;

public sealed class ErrorTableTests
{
    /// <summary>What OpenAI's and Anthropic's own APIs put into <c>error.type</c>.</summary>
    private static readonly string[] OpenAiTypes = ["invalid_request_error", "server_error", "requests", "tokens", "insufficient_quota"];

    private static readonly string[] AnthropicTypes =
    [
        "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error", "request_too_large", "rate_limit_error",
        "timeout_error", "api_error", "overloaded_error",
    ];

    [Fact]
    public void Every_code_has_exactly_one_row()
    {
        Assert.Equal(Enum.GetValues<ErrorCode>(), ErrorTable.All.Select(row => row.Code));
        Assert.All(Enum.GetValues<ErrorCode>(), code => Assert.Equal(code, ErrorTable.Of(code).Code));
    }

    /// <summary>Numbers of codes cross processes, and an older process may receive one that it does not know.</summary>
    [Fact]
    public void Of_an_unknown_code_is_an_internal_error() => Assert.Equal(ErrorCode.Internal, ErrorTable.Of((ErrorCode)9999).Code);

    [Fact]
    public void Every_row_uses_words_that_clients_know() => Assert.All(ErrorTable.All, row =>
    {
        Assert.InRange(row.Status, 400, 599);
        Assert.Contains(row.OpenAiType, OpenAiTypes);
        Assert.Contains(row.AnthropicType, AnthropicTypes);
        if (row.OpenAiCode is { } code) Assert.Matches("^[a-z_]+$", code);
    });

    // Wire facts: what OpenAI's own API answers.
    [Theory]
    [InlineData(ErrorCode.InvalidRequest, 400, "invalid_request_error", null)]
    [InlineData(ErrorCode.InvalidApiKey, 401, "invalid_request_error", "invalid_api_key")]
    [InlineData(ErrorCode.ModelNotFound, 404, "invalid_request_error", "model_not_found")]
    [InlineData(ErrorCode.ContextLengthExceeded, 400, "invalid_request_error", "context_length_exceeded")]
    [InlineData(ErrorCode.RateLimited, 429, "requests", "rate_limit_exceeded")]
    [InlineData(ErrorCode.UpstreamRateLimited, 429, "requests", "rate_limit_exceeded")]
    [InlineData(ErrorCode.QuotaExceeded, 429, "insufficient_quota", "insufficient_quota")]
    [InlineData(ErrorCode.UpstreamQuotaExceeded, 429, "insufficient_quota", "insufficient_quota")]
    public void Errors_that_OpenAI_has_look_like_its_own(ErrorCode code, int status, string type, string? wireCode)
    {
        var row = ErrorTable.Of(code);

        Assert.Equal((status, type, wireCode), (row.Status, row.OpenAiType, row.OpenAiCode));
    }

    [Fact]
    public void What_the_client_did_wrong_is_a_4xx_and_needs_no_operator()
    {
        var clients = ErrorTable.All.Where(row => row.Severity == ErrorSeverity.Debug).ToList();

        Assert.Contains(clients, row => row.Code == ErrorCode.InvalidRequest);
        Assert.All(clients, row => Assert.InRange(row.Status, 400, 499));
        Assert.All(clients, row => Assert.Equal(RecoveryAction.GiveUp, row.RecoveryAction));
    }

    [Fact]
    public void Only_errors_of_the_far_side_are_worth_another_try() =>
        Assert.All(ErrorTable.All.Where(row => row.RecoveryAction != RecoveryAction.GiveUp), row => Assert.StartsWith("Upstream", row.Code.ToString(), StringComparison.Ordinal));

    [Fact]
    public void A_turn_that_may_have_reached_the_far_side_is_never_sent_again() =>
        Assert.Equal(RecoveryAction.GiveUp, ErrorTable.Of(ErrorCode.UpstreamOutcomeUnknown).RecoveryAction);
}
