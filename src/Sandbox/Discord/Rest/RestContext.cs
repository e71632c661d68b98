using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>A response of the REST API. A null body with status 200 is sent as JSON null.</summary>
internal readonly record struct RestResponse(int Status, JsonNode? Body)
{
    public static RestResponse NoContent => new(204, null);

    public static implicit operator RestResponse(JsonNode body) => new(200, body);
}

internal delegate Task<RestResponse> RestHandler(RestContext context);

/// <summary>One authenticated REST request, and methods that read it.</summary>
internal sealed class RestContext(FakeDiscord discord, HttpContext http, DiscordUser user)
{
    public FakeDiscord Discord => discord;

    public DiscordState State => discord.State;

    public HttpContext Http => http;

    public DiscordUser User => user;

    public CancellationToken Aborted => http.RequestAborted;

    /// <summary>A snowflake of the path. <c>@me</c> is the caller.</summary>
    /// <exception cref="RestException">50035: it is not a snowflake.</exception>
    public ulong Id(string name)
    {
        var value = http.GetRouteValue(name)?.ToString();
        if (value == "@me") return user.Id;
        return ulong.TryParse(value, out var id) ? id : throw NotASnowflake(name, value);
    }

    /// <summary>A snowflake of the query, or null.</summary>
    public ulong? IdQuery(string name)
    {
        if (http.Request.Query[name].ToString() is not { Length: > 0 } value) return null;
        return ulong.TryParse(value, out var id) ? id : throw NotASnowflake(name, value);
    }

    /// <summary>A whole number of the query.</summary>
    /// <exception cref="RestException">50035: it is not a number or out of range.</exception>
    public int IntQuery(string name, int defaultValue, int min, int max)
    {
        if (http.Request.Query[name].ToString() is not { Length: > 0 } value) return defaultValue;
        if (!int.TryParse(value, out var number)) throw RestException.InvalidForm(name, "NUMBER_TYPE_COERCE", $"Value \"{value}\" is not int.");
        if (number < min) throw RestException.InvalidForm(name, "NUMBER_TYPE_MIN", $"int value should be greater than or equal to {min}.");
        return number <= max ? number : throw RestException.InvalidForm(name, "NUMBER_TYPE_MAX", $"int value should be less than or equal to {max}.");
    }

    /// <summary>The body as a JSON object. An empty body gives an empty object.</summary>
    /// <exception cref="RestException">50109: it is not JSON. 50035: it is not an object, or has another content type.</exception>
    public async Task<JsonObject> ReadJsonAsync()
    {
        if (http.Request.ContentLength is 0 or null && http.Request.ContentType is null) return [];
        if (!http.Request.HasJsonContentType())
        {
            throw RestException.InvalidForm("_misc", "CONTENT_TYPE_INVALID",
                "Expected \"Content-Type\" header to be one of {\"application/json\", \"application/x-www-form-urlencoded\", \"multipart/form-data\"}.");
        }
        using var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, Aborted);
        return Parse(buffer.ToArray());
    }

    public static JsonObject Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonNode.Parse(body) as JsonObject ?? throw RestException.NotAnObject("_misc");
        }
        catch (JsonException)
        {
            throw RestException.InvalidJson();
        }
    }

    /// <summary>Counts the request against an additional rate-limit bucket, which depends on the body.</summary>
    public void CountAgainst(Bucket bucket, string major) => discord.Limiter.Count(user, bucket, major, http.Response.Headers);

    private static RestException NotASnowflake(string name, string? value) =>
        RestException.InvalidForm(name, "NUMBER_TYPE_COERCE", $"Value \"{value}\" is not snowflake.");
}
