using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Sandbox.Coze.Accounts;
using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Sandbox.Coze;

/// <summary>One API call: who calls, what is asked, and the one way to answer.</summary>
internal sealed class CozeCall
{
    /// <summary>Largest body of every call but an upload, in bytes.</summary>
    public const int MaxBodySize = 15 * 1024 * 1024;

    private CozeToken? _token;

    private CozeCall(HttpContext http, FakeCoze coze)
    {
        Http = http;
        Coze = coze;
        LogId = coze.Ids.Log();
        http.Response.Headers["x-tt-logid"] = LogId;
    }

    public HttpContext Http { get; }
    public FakeCoze Coze { get; }
    public string LogId { get; }

    /// <summary>The caller's token; calls mapped without a permission have none.</summary>
    public CozeToken Token => _token ?? throw new InvalidOperationException("This call does not authenticate.");

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>Runs a handler as an API call: injected faults, authentication, permission, and every refusal in the envelope.</summary>
    public static async Task RunAsync(HttpContext http, FakeCoze coze, string? permission, Func<CozeCall, Task> handler)
    {
        var call = new CozeCall(http, coze);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxBodySize;
        try
        {
            if (await coze.Faults.ApplyAsync(call)) return;
            if (permission is not null)
            {
                call._token = coze.Tokens.Authenticate(http.Request.Headers.Authorization);
                if (!call._token.Permissions.Contains(permission)) throw new CozeException(CozeErrors.Forbidden, $"The token lacks the permission {permission}");
            }
            await handler(call);
        }
        catch (CozeException refusal)
        {
            await call.RefuseAsync(refusal);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
    }

    /// <summary>Runs a handler as a control call: no faults, no token, and every mistake as 400 with a text.</summary>
    public static async Task RunControlAsync(HttpContext http, FakeCoze coze, Func<CozeCall, Task> handler)
    {
        var call = new CozeCall(http, coze);
        try
        {
            await handler(call);
        }
        catch (Exception mistake) when (mistake is CozeException or ScriptException)
        {
            await call.WriteAsync(new ControlError(mistake.Message), CozeJson.Wire.ControlError, StatusCodes.Status400BadRequest);
        }
    }

    /// <summary>A query parameter that must be there.</summary>
    /// <exception cref="CozeException">4000 when it is not.</exception>
    public string Query(string name) => OptionalQuery(name) ?? throw new CozeException(CozeErrors.Parameters, $"{name} is required");

    /// <summary>A query parameter, null when absent or empty.</summary>
    public string? OptionalQuery(string name) => Http.Request.Query[name].ToString() is { Length: > 0 } value ? value : null;

    /// <summary>A whole number in the query.</summary>
    /// <exception cref="CozeException">4000 when it is no number or out of range.</exception>
    public int Query(string name, int absent, int least, int most)
    {
        if (OptionalQuery(name) is not { } text) return absent;
        return int.TryParse(text, out var number) && number >= least && number <= most
            ? number
            : throw new CozeException(CozeErrors.Parameters, $"{name} must be a number from {least} to {most}");
    }

    /// <summary>The JSON body; an empty one gives null.</summary>
    /// <exception cref="CozeException">4000 when it is malformed or too large; the message names the place.</exception>
    public async Task<T?> ReadOptionalAsync<T>(JsonTypeInfo<T> type)
        where T : class
    {
        if (Http.Request.ContentLength == 0) return null;
        try
        {
            var body = await Http.Request.BodyReader.ReadToEndAsync(Aborted);
            return body.Length == 0 ? null : JsonSerializer.Deserialize(body.Span, type);
        }
        catch (JsonException fault)
        {
            throw new CozeException(CozeErrors.Parameters, $"Request parameter error: malformed JSON at {fault.Path ?? "$"}");
        }
        catch (BadHttpRequestException fault)
        {
            throw new CozeException(CozeErrors.Parameters, fault.Message, fault.StatusCode);
        }
    }

    /// <summary>The JSON body, which must be there.</summary>
    /// <exception cref="CozeException">4000 when it is absent, malformed or too large.</exception>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class => await ReadOptionalAsync(type) ?? throw new CozeException(CozeErrors.Parameters, "the body is empty");

    /// <summary>Answers with data in the envelope.</summary>
    public Task OkAsync<T>(T? data, JsonTypeInfo<Envelope<T>> type) => WriteAsync(new Envelope<T>(0, "", data, new Detail(LogId)), type);

    /// <summary>Answers with any JSON.</summary>
    public Task WriteAsync<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        Http.Response.StatusCode = status;
        Http.Response.ContentType = "application/json; charset=utf-8";
        var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        Http.Response.ContentLength = json.Length;
        return Http.Response.Body.WriteAsync(json, Aborted).AsTask();
    }

    /// <summary>Answers with a refusal in the envelope, and counts it.</summary>
    public Task RefuseAsync(CozeException refusal)
    {
        Coze.CountRefusal(refusal.Code);
        return WriteAsync(
            new Envelope<Nothing>(refusal.Code, refusal.Message, null, new Detail(LogId)), CozeJson.Wire.EnvelopeNothing, refusal.HttpStatus);
    }
}
