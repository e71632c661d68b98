using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Handles each REST request: bans, authentication, faults, rate limits, the handler of the route, and errors in Discord's form.</summary>
internal sealed class RestPipeline(FakeDiscord discord, IEndpointRouteBuilder routes)
{
    /// <summary>Maps a route below <c>/api/v9</c> and <c>/api/v10</c>. Its rate limit applies per <c>{channel}</c> or <c>{guild}</c> of the path.</summary>
    public void Map(string method, string path, RestHandler handler, Bucket? bucket = null)
    {
        bucket ??= Bucket.ForRoute($"{method} {path}");
        foreach (var version in (string[])["v9", "v10"])
            routes.MapMethods($"/api/{version}{path}", [method], http => HandleAsync(http, path, bucket, handler));
    }

    /// <summary>Maps a GET route without authentication.</summary>
    public void MapPublicGet(string path, Func<JsonNode> getBody)
    {
        foreach (var version in (string[])["v9", "v10"])
        {
            routes.MapGet($"/api/{version}{path}", http =>
            {
                discord.LearnPublicUrl(http.Request);
                return WriteAsync(http, new RestResponse(200, getBody()));
            });
        }
    }

    public Task NotFoundAsync(HttpContext http) => WriteAsync(http, new RestResponse(404, RestException.NotFound().ToJson()));

    private async Task HandleAsync(HttpContext http, string path, Bucket bucket, RestHandler handler)
    {
        discord.LearnPublicUrl(http.Request);
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        if (discord.Limiter.GetBan(address) is { } ban)
        {
            http.Response.Headers.RetryAfter = Math.Ceiling(ban.TotalSeconds).ToString("0");
            await WriteTextAsync(http, 429, "error code: 1015");
            return;
        }
        if (discord.Options.RequireUserAgent && http.Request.Headers.UserAgent.Count == 0)
        {
            discord.Limiter.CountInvalid(address);
            await WriteTextAsync(http, 403, "error code: 1010");
            return;
        }

        DiscordUser? user = null;
        var countsAsInvalid = true;
        try
        {
            user = Authenticate(http.Request);
            var request = $"{http.Request.Method} {GetPathWithoutVersion(http.Request.Path)}";
            var fault = discord.Faults.Take(f => f.Matches(request, user));
            if (await ApplyFaultBeforeHandlerAsync(http, fault)) return;
            if (user.NeedsVerification) throw RestException.VerificationRequired();
            discord.Limiter.Count(user, bucket, GetMajorId(http), http.Response.Headers);

            var response = await handler(new RestContext(discord, http, user));
            if (await ApplyFaultAfterHandlerAsync(http, fault)) return;
            await WriteAsync(http, response);
        }
        catch (RestException error)
        {
            await WriteAsync(http, new RestResponse(error.Status, error.ToJson()));
        }
        catch (RateLimitedException limited)
        {
            countsAsInvalid = limited.Scope != "shared";
            discord.Records.Add(DiscordRecordKind.RateLimited, user, detail: $"{limited.Scope} {http.Request.Method} {path}");
            await WriteAsync(http, limited);
        }
        catch (BadHttpRequestException)
        {
            await WriteAsync(http, new RestResponse(413, RestException.RequestTooLarge().ToJson()));
        }
        finally
        {
            if (http.Response.StatusCode is 401 or 403 or 429 && countsAsInvalid) discord.Limiter.CountInvalid(address);
            discord.Records.Add(DiscordRecordKind.Request, user, detail: $"{http.Request.Method} {path} {http.Response.StatusCode}");
        }
    }

    /// <summary>The user of the token: <c>Bot token</c> for bots, the token alone for accounts.</summary>
    private DiscordUser Authenticate(HttpRequest request)
    {
        const string prefix = "Bot ";
        var header = request.Headers.Authorization.ToString();
        var isBot = header.StartsWith(prefix, StringComparison.Ordinal);
        lock (discord.State.Gate)
            return discord.State.FindUserByToken(isBot ? header[prefix.Length..] : header, isBot) ?? throw RestException.Unauthorized();
    }

    /// <returns>True: the response is written, and the handler must not run.</returns>
    private static async Task<bool> ApplyFaultBeforeHandlerAsync(HttpContext http, RestFault? fault)
    {
        switch (fault?.Kind)
        {
            case RestFaultKind.RateLimit:
                throw new RateLimitedException(fault.Scope, fault.Wait);
            case RestFaultKind.Cut:
                http.Abort();
                return true;
            case RestFaultKind.Status when fault.Status is >= 502 and <= 504:
                await WriteTextAsync(http, fault.Status, $"<html><head><title>{fault.Status}</title></head><body>cloudflare</body></html>", "text/html");
                return true;
            case RestFaultKind.Status:
                throw new RestException(fault.Status, 0, $"{fault.Status}: sandbox fault");
            default:
                return false;
        }
    }

    /// <returns>True: the response is lost.</returns>
    private async Task<bool> ApplyFaultAfterHandlerAsync(HttpContext http, RestFault? fault)
    {
        if (fault?.Kind == RestFaultKind.DelayAnswer) await Task.Delay(fault.Wait, discord.Time, http.RequestAborted);
        if (fault?.Kind != RestFaultKind.LoseAnswer) return false;
        http.Abort();
        return true;
    }

    private static string GetMajorId(HttpContext http) => (http.GetRouteValue("channel") ?? http.GetRouteValue("guild"))?.ToString() ?? "";

    private static string GetPathWithoutVersion(PathString path)
    {
        var value = path.Value ?? "";
        var api = value.IndexOf("/api/v", StringComparison.Ordinal);
        return api < 0 ? value : value[value.IndexOf('/', api + "/api/v".Length)..];
    }

    private static Task WriteAsync(HttpContext http, RateLimitedException limited)
    {
        var headers = http.Response.Headers;
        headers["Retry-After"] = Math.Ceiling(limited.Wait.TotalSeconds).ToString("0");
        headers["X-RateLimit-Scope"] = limited.Scope;
        if (limited.Scope == "global") headers["X-RateLimit-Global"] = "true";
        var body = new JsonObject
        {
            ["message"] = limited.Message,
            ["retry_after"] = Math.Round(limited.Wait.TotalSeconds, 3),
            ["global"] = limited.Scope == "global",
        };
        if (limited.Code != 0) body["code"] = limited.Code;
        return WriteAsync(http, new RestResponse(429, body));
    }

    private static Task WriteAsync(HttpContext http, RestResponse response)
    {
        http.Response.StatusCode = response.Status;
        if (response.Status == 204) return Task.CompletedTask;
        http.Response.ContentType = "application/json";
        var bytes = DiscordJson.Bytes(response.Body);
        http.Response.ContentLength = bytes.Length;
        return http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask();
    }

    private static Task WriteTextAsync(HttpContext http, int status, string text, string type = "text/plain")
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        return http.Response.WriteAsync(text, http.RequestAborted);
    }
}
