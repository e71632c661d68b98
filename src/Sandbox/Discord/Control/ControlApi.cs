using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary><c>/sandbox/…</c>: the members of <see cref="FakeDiscord"/> for clients in other processes. No token is required.</summary>
internal static class ControlApi
{
    public static void MapDiscordControl(this IEndpointRouteBuilder routes, FakeDiscord discord)
    {
        var control = routes.MapGroup("/sandbox");
        Get(control, "/seeds", _ => ControlJson.Seeds());
        Get(control, "/counts", _ => ControlJson.Counts(discord));
        control.MapGet("/records", http => WriteRecordsAsync(discord, http));
        Get(control, "/guilds/{guild}/channels", http => ControlJson.Channels(discord, GetRouteValue(http, "guild")));
        Get(control, "/channels/{channel}/messages", http => ControlJson.Messages(discord, GetRouteValue(http, "channel")));

        Post(control, "/reset", (_, _) => discord.Reset());
        Post(control, "/script", (_, body) => discord.Script(
            body.Text("script") ?? throw new ArgumentException("script is required"), body.Number("times")));
        Post(control, "/limits", (_, body) => discord.RateLimits = body.Flag("on") ?? throw new ArgumentException("on is required"));
        Post(control, "/faults", (_, body) => discord.Fail(ReadFault(body)));
        Post(control, "/gateway/drop", (_, body) => discord.DropSockets(body.Number("code"), body.Text("user_id")));
        Post(control, "/gateway/reconnect", (_, body) => discord.RequestReconnect(body.Text("user_id")));
        Post(control, "/gateway/invalidate", (_, body) => discord.InvalidateSessions(body.Flag("resumable") ?? false, body.Text("user_id")));
        Post(control, "/gateway/zombie", (_, body) => discord.StopAcking(body.Text("user_id")));
        Post(control, "/gateway/heartbeat", (_, body) => discord.AskForHeartbeat(body.Text("user_id")));
        Post(control, "/users/{user}", (http, body) => UpdateUser(discord, GetRouteValue(http, "user"), body));
        Post(control, "/channels/{channel}/messages", (http, body) => discord.Post(
            body.Text("user_id") ?? throw new ArgumentException("user_id is required"),
            GetRouteValue(http, "channel"),
            body.Text("content") ?? "",
            body.Text("reply_to")));
    }

    private static void UpdateUser(FakeDiscord discord, string id, JsonObject body)
    {
        if (body.Flag("needs_verification") is { } demanded) discord.DemandVerification(id, demanded);
        if (body.Flag("token_revoked") is { } revoked) discord.RevokeToken(id, revoked);
        if (body.Number("privileged_intents") is { } intents) discord.SetPrivilegedIntents(id, (Intents)intents);
        if (body.ContainsKey("coze_notice")) discord.SetCozeNotice(id, body.Text("coze_notice"));
        if (body.Text("join_guild") is { } joined) discord.SetMembership(id, joined, isMember: true);
        if (body.Text("leave_guild") is { } left) discord.SetMembership(id, left, isMember: false);
    }

    private static RestFault ReadFault(JsonObject body)
    {
        var kind = body.Text("kind") switch
        {
            "rate_limit" => RestFaultKind.RateLimit,
            "status" => RestFaultKind.Status,
            "cut" => RestFaultKind.Cut,
            "lose_answer" => RestFaultKind.LoseAnswer,
            "delay_answer" => RestFaultKind.DelayAnswer,
            _ => throw new ArgumentException("kind is none of rate_limit, status, cut, lose_answer, delay_answer"),
        };
        return new RestFault
        {
            Kind = kind,
            Times = Math.Max(1, body.Number("times") ?? 1),
            Route = body.Text("route"),
            UserId = body.Text("user_id"),
            Scope = body.Text("scope") ?? "user",
            Status = body.Number("status") ?? 500,
            Wait = DirectiveValue.Duration(body.Text("wait") ?? "1s"),
        };
    }

    /// <summary>The recorded events. With <c>kind</c> and <c>wait</c>, the response waits for <c>count</c> events; it is 504 after that time.</summary>
    private static async Task WriteRecordsAsync(FakeDiscord discord, HttpContext http)
    {
        try
        {
            var query = http.Request.Query;
            var from = long.TryParse(query["from"], out var index) ? index : 0;
            DiscordRecordKind? kind = query["kind"].ToString() is { Length: > 0 } name ? ControlJson.ParseKind(name) : null;
            if (kind is { } awaited && query["wait"].ToString() is { Length: > 0 } wait)
            {
                using var timeout = new CancellationTokenSource(DirectiveValue.Duration(wait), discord.Time);
                using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, http.RequestAborted);
                var next = from;
                for (var left = int.TryParse(query["count"], out var count) ? count : 1; left > 0; left--)
                    next = (await discord.Records.WaitAsync(awaited, from: next, cancellationToken: linked.Token)).Index + 1;
            }
            await WriteAsync(http, 200, ControlJson.Records(discord.Records.Lines(from).Where(line => kind is null || line.Kind == kind)));
        }
        catch (Exception error) when (error is ArgumentException or DirectiveException)
        {
            await WriteAsync(http, 400, new JsonObject { ["error"] = error.Message });
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            await WriteAsync(http, 504, new JsonObject { ["error"] = "the events did not occur within the given time" });
        }
    }

    private static string GetRouteValue(HttpContext http, string name) => http.GetRouteValue(name)?.ToString() ?? "";

    private static void Get(IEndpointRouteBuilder routes, string path, Func<HttpContext, JsonNode> getBody) =>
        routes.MapGet(path, http => WriteAsync(http, 200, getBody(http)));

    // Maps a POST route. Each error is a 400 with a text; success is 204.
    private static void Post(IEndpointRouteBuilder routes, string path, Action<HttpContext, JsonObject> action) =>
        routes.MapPost(path, async http =>
        {
            try
            {
                action(http, await ReadAsync(http));
                http.Response.StatusCode = 204;
            }
            catch (RestException error)
            {
                await WriteAsync(http, 400, new JsonObject { ["error"] = error.ToJson().ToJsonString() });
            }
            catch (Exception error) when (error is ArgumentException or DirectiveException)
            {
                await WriteAsync(http, 400, new JsonObject { ["error"] = error.Message });
            }
        });

    private static async Task<JsonObject> ReadAsync(HttpContext http)
    {
        using var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, http.RequestAborted);
        return buffer.Length == 0 ? [] : RestContext.Parse(buffer.ToArray());
    }

    private static Task WriteAsync(HttpContext http, int status, JsonNode body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.Body.WriteAsync(DiscordJson.Bytes(body), http.RequestAborted).AsTask();
    }
}
