namespace CozeCluster.Sandbox.Claude;

/// <summary>An error answer of Claude's API.</summary>
internal sealed class ClaudeException(string type, string message, int? status = null) : Exception(message)
{
    private static readonly (string Type, int Status, string Message)[] Known =
    [
        ("invalid_request_error", 400, "The request is invalid"),
        ("authentication_error", 401, "invalid x-api-key"),
        ("billing_error", 402, "Your account has a problem with its billing"),
        ("permission_error", 403, "Your API key does not have permission to use the specified resource"),
        ("not_found_error", 404, "The requested resource could not be found"),
        ("request_too_large", 413, "Request exceeds the maximum size"),
        ("rate_limit_error", 429, "This request would exceed your organization's rate limit"),
        ("api_error", 500, "Internal server error"),
        ("timeout_error", 504, "Request timed out"),
        ("overloaded_error", 529, "Overloaded"),
    ];

    public string Type { get; } = type;

    /// <summary>The HTTP status, if the response has not started.</summary>
    public int Status { get; } = status ?? Known.FirstOrDefault(known => known.Type == type).Status;

    public static ClaudeException Invalid(string message) => new("invalid_request_error", message);

    /// <summary>The error with a type or an HTTP status.</summary>
    /// <exception cref="DirectiveException">The API has no such error.</exception>
    public static ClaudeException Named(string name)
    {
        foreach (var (type, status, message) in Known)
        {
            if (type == name || $"{status}" == name) return new ClaudeException(type, message);
        }
        return name switch
        {
            "context" => Invalid("prompt is too long: 210000 tokens > 200000 maximum"),
            "credit" => Invalid("Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."),
            "filtered" => Invalid("Output blocked by content filtering policy"),
            "image" => Invalid("messages.0.content.0.image.source.base64.data: Could not process image"),
            _ => throw new DirectiveException($"'{name}' is no error of Claude; use a type, an HTTP status, context, credit, filtered or image"),
        };
    }
}
