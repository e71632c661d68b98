using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The answer to a REST request. A null body with 200 is sent as JSON null.</summary>
internal readonly record struct RestReply(int Status, JsonNode? Body)
{
    public static RestReply NoContent => new(204, null);

    public static implicit operator RestReply(JsonNode body) => new(200, body);
}

internal delegate Task<RestReply> RestHandler(RestCall call);

/// <summary>One authenticated REST request.</summary>
internal sealed class RestCall(FakeDiscord discord, HttpContext http, DiscordUser user)
{
    public FakeDiscord Discord => discord;

    public World World => discord.World;

    public HttpContext Http => http;

    public DiscordUser User => user;

    public CancellationToken Aborted => http.RequestAborted;

    /// <summary>A snowflake of the path; <c>@me</c> is the caller.</summary>
    /// <exception cref="DiscordError">50035: not a snowflake.</exception>
    public ulong Id(string name)
    {
        var value = http.GetRouteValue(name)?.ToString();
        if (value == "@me") return user.Id;
        return ulong.TryParse(value, out var id) ? id : throw NotASnowflake(name, value);
    }

    /// <summary>A snowflake of the query, if it is there.</summary>
    public ulong? QueryId(string name)
    {
        if (http.Request.Query[name].ToString() is not { Length: > 0 } value) return null;
        return ulong.TryParse(value, out var id) ? id : throw NotASnowflake(name, value);
    }

    public int QueryInt(string name, int otherwise, int least, int most)
    {
        if (http.Request.Query[name].ToString() is not { Length: > 0 } value) return otherwise;
        if (!int.TryParse(value, out var number)) throw DiscordError.InvalidForm(name, "NUMBER_TYPE_COERCE", $"Value \"{value}\" is not int.");
        if (number < least) throw DiscordError.InvalidForm(name, "NUMBER_TYPE_MIN", $"int value should be greater than or equal to {least}.");
        return number <= most ? number : throw DiscordError.InvalidForm(name, "NUMBER_TYPE_MAX", $"int value should be less than or equal to {most}.");
    }

    /// <summary>The body as a JSON object; an empty body is an empty object.</summary>
    /// <exception cref="DiscordError">50109: not JSON. 50035: not an object, or another content type.</exception>
    public async Task<JsonObject> ReadJsonAsync()
    {
        if (http.Request.ContentLength is 0 or null && http.Request.ContentType is null) return [];
        if (!http.Request.HasJsonContentType())
        {
            throw DiscordError.InvalidForm("_misc", "CONTENT_TYPE_INVALID",
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
            return JsonNode.Parse(body) as JsonObject ?? throw DiscordError.InvalidForm("_misc", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");
        }
        catch (JsonException)
        {
            throw DiscordError.InvalidJson();
        }
    }

    /// <summary>Takes a request from a further bucket, one that only the body tells.</summary>
    public void Take(Bucket bucket, string major) => discord.Limiter.Take(user, bucket, major, http.Response.Headers);

    private static DiscordError NotASnowflake(string name, string? value) =>
        DiscordError.InvalidForm(name, "NUMBER_TYPE_COERCE", $"Value \"{value}\" is not snowflake.");
}
