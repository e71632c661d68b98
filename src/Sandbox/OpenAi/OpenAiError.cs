using System.Text;
using System.Text.Json;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary>An error answer of the fake OpenAI.</summary>
internal sealed class OpenAiError(int status, string message, string type, string? code = null, string? param = null) : Exception(message)
{
    public int Status { get; } = status;

    /// <summary>The error's name, as errors within a response have it.</summary>
    public string Code => code ?? type;

    /// <summary>An error about a field of the request.</summary>
    public static OpenAiError Invalid(string param, string message) => new(400, message, "invalid_request_error", null, param);

    /// <summary>The error that a script wants, by HTTP status.</summary>
    public static OpenAiError OfStatus(int status) => status switch
    {
        400 => new(400, "This model's maximum context length is 8192 tokens.", "invalid_request_error", "context_length_exceeded", "messages"),
        401 => new(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
        402 => new(429, "You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota"),
        403 => new(403, "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"),
        404 => new(404, "The model does not exist or you do not have access to it.", "invalid_request_error", "model_not_found"),
        422 => new(400, "Your request was flagged by our safety system.", "invalid_request_error", "content_policy_violation"),
        429 => new(429, "Rate limit reached. Please try again in 20ms.", "requests", "rate_limit_exceeded"),
        503 => new(503, "The engine is currently overloaded, please try again later", "service_unavailable"),
        _ => new(status is >= 400 and < 600 ? status : 500, "The server had an error while processing your request.", "server_error"),
    };

    /// <summary>The error as the API writes it.</summary>
    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("message", Message);
            json.WriteString("type", type);
            json.WriteString("param", param);
            json.WriteString("code", code);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>Writes the error as a response.</summary>
    public Task WriteAsync(HttpContext http)
    {
        http.Response.StatusCode = Status;
        http.Response.ContentType = "application/json";
        return http.Response.Body.WriteAsync(ToJson(), http.RequestAborted).AsTask();
    }

    /// <summary>A text as a JSON string.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    /// <summary>An HTML error page without JSON, as a proxy in front of the real server sends it.</summary>
    public static Task WriteProxyErrorAsync(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html";
        return http.Response.Body.WriteAsync(Encoding.ASCII.GetBytes($"<html><body><h1>{status}</h1></body></html>"), http.RequestAborted).AsTask();
    }
}
