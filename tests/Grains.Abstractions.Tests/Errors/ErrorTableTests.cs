namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class ErrorTableTests
{
    /// <summary>The values of <c>error.type</c> in the APIs of OpenAI and Anthropic.</summary>
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

    /// <summary>The numbers of codes are sent between processes, and an older process may receive an unknown one.</summary>
    [Fact]
    public void Of_returns_Internal_for_an_unknown_code() => Assert.Equal(ErrorCode.Internal, ErrorTable.Of((ErrorCode)9999).Code);

    [Fact]
    public void Every_row_uses_types_that_clients_know() => Assert.All(ErrorTable.All, row =>
    {
        Assert.InRange(row.Status, 400, 599);
        Assert.Contains(row.OpenAiType, OpenAiTypes);
        Assert.Contains(row.AnthropicType, AnthropicTypes);
        if (row.OpenAiCode is { } code) Assert.Matches("^[a-z_]+$", code);
    });

    // As OpenAI's API answers.
    [Theory]
    [InlineData(ErrorCode.InvalidRequest, 400, "invalid_request_error", null)]
    [InlineData(ErrorCode.InvalidApiKey, 401, "invalid_request_error", "invalid_api_key")]
    [InlineData(ErrorCode.ModelNotFound, 404, "invalid_request_error", "model_not_found")]
    [InlineData(ErrorCode.ContextLengthExceeded, 400, "invalid_request_error", "context_length_exceeded")]
    [InlineData(ErrorCode.RateLimited, 429, "requests", "rate_limit_exceeded")]
    [InlineData(ErrorCode.UpstreamRateLimited, 429, "requests", "rate_limit_exceeded")]
    [InlineData(ErrorCode.QuotaExceeded, 429, "insufficient_quota", "insufficient_quota")]
    [InlineData(ErrorCode.UpstreamQuotaExceeded, 429, "insufficient_quota", "insufficient_quota")]
    public void Errors_that_OpenAI_has_are_the_same_here(ErrorCode code, int status, string type, string? wireCode)
    {
        var row = ErrorTable.Of(code);

        Assert.Equal((status, type, wireCode), (row.Status, row.OpenAiType, row.OpenAiCode));
    }

    [Fact]
    public void Mistakes_of_clients_are_4xx_and_have_no_recovery_action()
    {
        var clients = ErrorTable.All.Where(row => row.Severity == ErrorSeverity.Debug).ToList();

        Assert.Contains(clients, row => row.Code == ErrorCode.InvalidRequest);
        Assert.All(clients, row => Assert.InRange(row.Status, 400, 499));
        Assert.All(clients, row => Assert.Equal(RecoveryAction.GiveUp, row.RecoveryAction));
    }

    [Fact]
    public void Only_errors_of_upstreams_have_a_recovery_action() =>
        Assert.All(
            ErrorTable.All.Where(row => row.RecoveryAction != RecoveryAction.GiveUp),
            row => Assert.StartsWith("Upstream", row.Code.ToString(), StringComparison.Ordinal));

    /// <summary>Clients of OpenAI show these as a fault of the caller, such as a wrong key.</summary>
    [Theory]
    [InlineData(ErrorCode.UpstreamUnauthorized)]
    [InlineData(ErrorCode.UpstreamForbidden)]
    [InlineData(ErrorCode.UpstreamNotFound)]
    [InlineData(ErrorCode.UpstreamBusy)]
    public void Faults_of_the_operator_or_the_upstream_are_not_those_of_the_caller(ErrorCode code) =>
        Assert.InRange(ErrorTable.Of(code).Status, 500, 599);

    [Fact]
    public void Errors_that_pass_by_themselves_say_when_to_retry() =>
        Assert.All(
            ErrorTable.All.Where(row => row.Status is 429 or 503 or 504 && row.OpenAiCode != "insufficient_quota"), row => Assert.NotNull(row.RetryAfter));

    [Fact]
    public void A_turn_that_the_upstream_may_have_received_is_never_retried() =>
        Assert.Equal(RecoveryAction.GiveUp, ErrorTable.Of(ErrorCode.UpstreamOutcomeUnknown).RecoveryAction);
}
