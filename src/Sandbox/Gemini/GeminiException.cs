using System.Globalization;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>An error of the API, in Google's form.</summary>
/// <param name="code">The HTTP status.</param>
/// <param name="message">What is wrong.</param>
internal sealed class GeminiException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;

    /// <summary>The reason in the details; null: no such detail.</summary>
    public string? Reason { get; init; }

    /// <summary>The delay in the details; null: no such detail.</summary>
    public TimeSpan? RetryDelay { get; init; }

    /// <summary>The name of the status; null: the one that belongs to the code.</summary>
    public string? Status { get; init; }

    /// <summary>An error about the request.</summary>
    public static GeminiException Invalid(string message) => new(400, message);

    /// <summary>The error that a script asks for.</summary>
    public static GeminiException Scripted(int code, string? reason, TimeSpan? delay) =>
        new(code, GetText(code, reason)) { Reason = reason, RetryDelay = delay };

    /// <summary>The error as JSON.</summary>
    public JsonObject ToJson()
    {
        var error = new JsonObject { ["code"] = Code, ["message"] = Message, ["status"] = Status ?? GetStatus(Code) };
        var details = new JsonArray();
        if (Reason is not null)
        {
            details.Add(new JsonObject
            {
                ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo",
                ["reason"] = Reason,
                ["domain"] = "googleapis.com",
                ["metadata"] = new JsonObject { ["service"] = "generativelanguage.googleapis.com" },
            });
        }
        if (RetryDelay is { } delay)
        {
            details.Add(new JsonObject
            {
                ["@type"] = "type.googleapis.com/google.rpc.RetryInfo",
                ["retryDelay"] = delay.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + "s",
            });
        }
        if (details.Count > 0) error["details"] = details;
        return new JsonObject { ["error"] = error };
    }

    private static string GetStatus(int code) => code switch
    {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        500 => "INTERNAL",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "UNKNOWN",
    };

    private static string GetText(int code, string? reason) => (code, reason) switch
    {
        (_, "API_KEY_INVALID") => "API key not valid. Please pass a valid API key.",
        (400, _) => "Request contains an invalid argument.",
        (401, _) => "Request had invalid authentication credentials.",
        (403, _) => "The caller does not have permission",
        (404, _) => "Requested entity was not found.",
        (429, _) => "You exceeded your current quota, please check your plan and billing details.",
        (500, _) => "An internal error has occurred. Please retry.",
        (503, _) => "The model is overloaded. Please try again later.",
        (504, _) => "The request timed out. Please try again.",
        _ => $"Error {code}",
    };
}
