using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>What every REST request goes through: ban, auth, faults, limits, the handler, and errors as Discord renders them.</summary>
internal sealed class RestPipeline(FakeDiscord discord, IEndpointRouteBuilder routes)
{
    /// <summary>Maps a route below <c>/api/v9</c> and <c>/api/v10</c>. Its bucket is counted per <c>{channel}</c> or <c>{guild}</c> of the path.</summary>
    public void Map(string method, string path, RestHandler handler, Bucket? bucket = null)
    {
        bucket ??= Bucket.Other($"{method} {path}");
        foreach (var version in (string[])["v9", "v10"])
            routes.MapMethods($"/api/{version}{path}", [method], http => RunAsync(http, path, bucket, handler));
    }

    /// <summary>Maps a GET that needs no token.</summary>
    public void MapOpen(string path, Func<JsonNode> read)
    {
        foreach (var version in (string[])["v9", "v10"])
        {
            routes.MapGet($"/api/{version}{path}", http =>
            {
                discord.SeenAt(http.Request);
                return WriteAsync(http, new RestReply(200, read()));
            });
        }
    }

    public Task NotFoundAsync(HttpContext http) => WriteAsync(http, new RestReply(404, DiscordError.NotFound().ToJson()));

    private async Task RunAsync(HttpContext http, string path, Bucket bucket, RestHandler handler)
    {
        discord.SeenAt(http.Request);
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        if (discord.Limiter.BannedFor(address) is { } ban)
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
            var request = $"{http.Request.Method} {PathBelowVersion(http.Request.Path)}";
            var fault = discord.Faults.Take(request, user);
            if (await FailsBeforeAsync(http, fault)) return;
            if (user.NeedsVerification) throw DiscordError.VerifyAccount();
            discord.Limiter.Take(user, bucket, Major(http), http.Response.Headers);

            var reply = await handler(new RestCall(discord, http, user));
            if (await FailsAfterAsync(http, fault)) return;
            await WriteAsync(http, reply);
        }
        catch (DiscordError error)
        {
            await WriteAsync(http, new RestReply(error.Status, error.ToJson()));
        }
        catch (RateLimited limited)
        {
            countsAsInvalid = limited.Scope != "shared";
            discord.Records.Add(DiscordRecordKind.RateLimited, user, detail: $"{limited.Scope} {http.Request.Method} {path}");
            await WriteAsync(http, limited);
        }
        catch (BadHttpRequestException)
        {
            await WriteAsync(http, new RestReply(413, DiscordError.TooLarge().ToJson()));
        }
        finally
        {
            if (http.Response.StatusCode is 401 or 403 or 429 && countsAsInvalid) discord.Limiter.CountInvalid(address);
            discord.Records.Add(DiscordRecordKind.Request, user, detail: $"{http.Request.Method} {path} {http.Response.StatusCode}");
        }
    }

    /// <summary><c>Bot token</c> for bots, the bare token for accounts; nothing else is let in.</summary>
    private DiscordUser Authenticate(HttpRequest request)
    {
        const string bot = "Bot ";
        var header = request.Headers.Authorization.ToString();
        var isBot = header.StartsWith(bot, StringComparison.Ordinal);
        lock (discord.World.Gate)
            return discord.World.UserByToken(isBot ? header[bot.Length..] : header, isBot) ?? throw DiscordError.Unauthorized();
    }

    private async Task<bool> FailsBeforeAsync(HttpContext http, RestFault? fault)
    {
        switch (fault?.Kind)
        {
            case RestFaultKind.RateLimit:
                throw new RateLimited(fault.Scope, fault.Wait);
            case RestFaultKind.Cut:
                http.Abort();
                return true;
            case RestFaultKind.Status when fault.Status is >= 502 and <= 504:
                await WriteTextAsync(http, fault.Status, $"<html><head><title>{fault.Status}</title></head><body>cloudflare</body></html>", "text/html");
                return true;
            case RestFaultKind.Status:
                throw new DiscordError(fault.Status, 0, $"{fault.Status}: sandbox fault");
            default:
                return false;
        }
    }

    private async Task<bool> FailsAfterAsync(HttpContext http, RestFault? fault)
    {
        if (fault?.Kind == RestFaultKind.DelayAnswer) await Task.Delay(fault.Wait, discord.Time, http.RequestAborted);
        if (fault?.Kind != RestFaultKind.LoseAnswer) return false;
        http.Abort();
        return true;
    }

    private static string Major(HttpContext http) => (http.GetRouteValue("channel") ?? http.GetRouteValue("guild"))?.ToString() ?? "";

    private static string PathBelowVersion(PathString path)
    {
        var value = path.Value ?? "";
        var api = value.IndexOf("/api/v", StringComparison.Ordinal);
        return api < 0 ? value : value[value.IndexOf('/', api + "/api/v".Length)..];
    }

    private static Task WriteAsync(HttpContext http, RateLimited limited)
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
        return WriteAsync(http, new RestReply(429, body));
    }

    private static Task WriteAsync(HttpContext http, RestReply reply)
    {
        http.Response.StatusCode = reply.Status;
        if (reply.Status == 204) return Task.CompletedTask;
        http.Response.ContentType = "application/json";
        var bytes = DiscordJson.Bytes(reply.Body);
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
