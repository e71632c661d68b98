using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Sandbox.Coze;

/// <summary>One API request: the caller's token, methods that read the request, and methods that write the response.</summary>
internal sealed class CozeContext
{
    /// <summary>The largest body in bytes, for all requests except uploads.</summary>
    public const int MaxBodySize = 15 * 1024 * 1024;

    private CozeToken? _token;

    private CozeContext(HttpContext http, FakeCoze coze)
    {
        Http = http;
        Coze = coze;
        LogId = coze.Ids.NewLogId();
        http.Response.Headers["x-tt-logid"] = LogId;
    }

    public HttpContext Http { get; }
    public FakeCoze Coze { get; }
    public string LogId { get; }

    /// <summary>The caller's token. Routes without a permission have no token.</summary>
    public CozeToken Token => _token ?? throw new InvalidOperationException("This route does not authenticate requests.");

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>Handles an API request: applies injected faults, checks the token and its permission, and writes errors in the envelope.</summary>
    public static async Task HandleAsync(HttpContext http, FakeCoze coze, string? permission, Func<CozeContext, Task> handler)
    {
        var context = new CozeContext(http, coze);
        context.SetMaxBodySize(MaxBodySize);
        try
        {
            if (await coze.Faults.ApplyAsync(context)) return;
            if (permission is not null)
            {
                context._token = coze.Tokens.Authenticate(http.Request.Headers.Authorization);
                if (!context._token.Permissions.Contains(permission))
                    throw new CozeException(CozeErrorCodes.Forbidden, $"The token lacks the permission {permission}");
            }
            await handler(context);
        }
        catch (CozeException error)
        {
            await context.WriteErrorAsync(error);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected, so there is no response to write.
        }
    }

    /// <summary>Handles a control request: no injected faults, no token, and each error is a 400 with a text.</summary>
    public static async Task HandleControlAsync(HttpContext http, FakeCoze coze, Func<CozeContext, Task> handler)
    {
        var context = new CozeContext(http, coze);
        try
        {
            await handler(context);
        }
        catch (Exception error) when (error is CozeException or DirectiveException)
        {
            await context.WriteAsync(new ControlError(error.Message), CozeJson.Utf8.ControlError, StatusCodes.Status400BadRequest);
        }
    }

    /// <summary>Sets the largest body that the server accepts for this request, in bytes.</summary>
    public void SetMaxBodySize(long bytes)
    {
        if (Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = bytes;
    }

    /// <summary>A required query parameter.</summary>
    /// <exception cref="CozeException">4000: it is missing.</exception>
    public string Query(string name) => OptionalQuery(name) ?? throw CozeException.InvalidParameter($"{name} is required");

    /// <summary>A query parameter, or null when it is missing or empty.</summary>
    public string? OptionalQuery(string name) => Http.Request.Query[name].ToString() is { Length: > 0 } value ? value : null;

    /// <summary>A whole number in the query.</summary>
    /// <exception cref="CozeException">4000: it is not a number or out of range.</exception>
    public int IntQuery(string name, int defaultValue, int min, int max)
    {
        if (OptionalQuery(name) is not { } text) return defaultValue;
        return int.TryParse(text, out var number) && number >= min && number <= max
            ? number
            : throw CozeException.InvalidParameter($"{name} must be a number from {min} to {max}");
    }

    /// <summary>The JSON body, or null when it is empty.</summary>
    /// <exception cref="CozeException">4000: it is malformed or too large. The message names the JSON path.</exception>
    public async Task<T?> ReadOptionalAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        if (Http.Request.ContentLength == 0) return null;
        try
        {
            var body = await ReadToEndAsync(Http.Request.BodyReader, Aborted);
            return body.Length == 0 ? null : JsonSerializer.Deserialize(body.Span, type);
        }
        catch (JsonException error)
        {
            throw CozeException.InvalidParameter($"Request parameter error: malformed JSON at {error.Path ?? "$"}");
        }
        catch (BadHttpRequestException error)
        {
            throw new CozeException(CozeErrorCodes.InvalidParameter, error.Message, error.StatusCode);
        }
    }

    /// <summary>The JSON body, which is required.</summary>
    /// <exception cref="CozeException">4000: it is missing, malformed or too large.</exception>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class => await ReadOptionalAsync(type) ?? throw CozeException.InvalidParameter("the body is empty");

    /// <summary>Writes data in the envelope.</summary>
    public Task WriteDataAsync<T>(T? data, JsonTypeInfo<Envelope<T>> type) => WriteAsync(new Envelope<T>(0, "", data, new Detail(LogId)), type);

    /// <summary>Writes JSON without the envelope.</summary>
    public Task WriteAsync<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        Http.Response.StatusCode = status;
        Http.Response.ContentType = "application/json; charset=utf-8";
        var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        Http.Response.ContentLength = json.Length;
        return Http.Response.Body.WriteAsync(json, Aborted).AsTask();
    }

    private Task WriteErrorAsync(CozeException error)
    {
        Coze.CountRefusal(error.Code);
        return WriteAsync(new Envelope<NoData>(error.Code, error.Message, null, new Detail(LogId)), CozeJson.Utf8.EnvelopeNoData, error.HttpStatus);
    }

    private static async Task<ReadOnlyMemory<byte>> ReadToEndAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            if (result.IsCompleted)
            {
                var body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
