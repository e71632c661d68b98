using CozeCluster.Sandbox.Coze.Accounts;
using CozeCluster.Sandbox.Coze.Chats;
using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Control;

/// <summary>The endpoints below <c>/coze/sandbox</c>: script what comes, read what was, mint and end tokens, start over.</summary>
internal static class ControlApi
{
    // A picture of one pixel, for answers that show one.
    private static readonly byte[] Pixel = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    public static async Task ScriptAsync(CozeCall call)
    {
        var request = await call.ReadAsync(CozeJson.Wire.ScriptRequest);
        Require(request.Script is not null, "script is required");
        Require(request.Times is null or >= 1, "times must be at least 1");
        call.Coze.Scripts.Add(request.Script!, request.Times);
    }

    public static async Task FaultAsync(CozeCall call)
    {
        var request = await call.ReadAsync(CozeJson.Wire.FaultRequest);
        Require(!string.IsNullOrEmpty(request.Path), "path is required");
        Require(request.Times is null or >= 1, "times must be at least 1");
        Require(request.Http is null or (>= 200 and <= 599), "http must be 200 to 599");
        var delay = request.Delay is null ? TimeSpan.Zero : ScriptParser.Duration(request.Delay);
        call.Coze.Faults.Add(new InjectedFault(request.Path!, delay, request.Http, request.Error), request.Times ?? 1);
    }

    /// <summary>The record of chats; with <c>wait</c>, answers once <c>count</c> chats fit, or 504.</summary>
    public static async Task ChatsAsync(CozeCall call)
    {
        var filter = new ChatFilter(call.Http.Request.Query);
        if (call.OptionalQuery("wait") is { } wait)
        {
            var count = call.Query("count", absent: 1, least: 1, most: int.MaxValue);
            using var timeout = new CancellationTokenSource(ScriptParser.Duration(wait), call.Coze.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, call.Aborted);
            try
            {
                await call.Coze.WaitForAsync(() => call.Coze.Chats.Count(filter.Fits) >= count, either.Token);
            }
            catch (OperationCanceledException) when (!call.Aborted.IsCancellationRequested)
            {
                await call.WriteAsync(new ControlError($"no {count} such chats within {wait}"), CozeJson.Wire.ControlError, StatusCodes.Status504GatewayTimeout);
                return;
            }
        }
        await call.WriteAsync(new ChatRecordList([.. call.Coze.Chats.Where(filter.Fits).Select(Record)]), CozeJson.Wire.ChatRecordList);
    }

    public static Task CountsAsync(CozeCall call)
    {
        var chats = call.Coze.Chats;
        var key = call.OptionalQuery("meta");
        var counts = new ChatCounts
        {
            Total = chats.Count,
            Running = chats.Count(c => c.Status == CozeChatStatus.InProgress),
            Completed = chats.Count(c => c.Status == CozeChatStatus.Completed),
            Failed = chats.Count(c => c.Status == CozeChatStatus.Failed),
            RequiresAction = chats.Count(c => c.Status == CozeChatStatus.RequiresAction),
            Canceled = chats.Count(c => c.Status == CozeChatStatus.Canceled),
            ClientGone = chats.Count(c => c.ClientGone),
            Refused = call.Coze.Refusals.ToDictionary(r => $"{r.Key}", r => r.Value),
            ByMeta = key is null
                ? null
                : chats.Where(c => c.MetaData.ContainsKey(key)).CountBy(c => c.MetaData[key]).ToDictionary(),
        };
        return call.WriteAsync(counts, CozeJson.Wire.ChatCounts);
    }

    public static Task ResetAsync(CozeCall call)
    {
        call.Coze.Reset();
        return Task.CompletedTask;
    }

    public static async Task MintTokenAsync(CozeCall call)
    {
        var request = await call.ReadOptionalAsync(CozeJson.Wire.MintTokenRequest) ?? new MintTokenRequest(null, null, null, null);
        var unknown = request.Permissions?.FirstOrDefault(p => !CozePermissions.All.Contains(p));
        Require(unknown is null, $"permission '{unknown}' is none of {string.Join(", ", CozePermissions.All)}");
        var token = call.Coze.Tokens.Mint(
            "pat_",
            request.Account ?? "sandbox",
            request.Permissions?.ToHashSet(StringComparer.Ordinal) ?? CozePermissions.All,
            request.ExpiresInSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            request.Chats);
        await call.WriteAsync(new MintedToken(token.Value, token.Account, token.ExpiresAt?.ToUnixTimeSeconds()), CozeJson.Wire.MintedToken);
    }

    public static async Task ExpireTokenAsync(CozeCall call)
    {
        var request = await call.ReadAsync(CozeJson.Wire.ExpireTokenRequest);
        Require(request.Token is not null && call.Coze.ExpireToken(request.Token), "token is unknown");
    }

    public static Task OAuthAppAsync(CozeCall call) => call.WriteAsync(
        new OAuthAppObject(OAuthApp.AppId, call.Coze.OAuth.KeyId, call.Coze.OAuth.PrivateKeyPem, "api.coze.com"), CozeJson.Wire.OAuthAppObject);

    public static Task ImageAsync(CozeCall call)
    {
        call.Http.Response.ContentType = "image/png";
        call.Http.Response.ContentLength = Pixel.Length;
        return call.Http.Response.Body.WriteAsync(Pixel, call.Aborted).AsTask();
    }

    private static void Require(bool met, string otherwise)
    {
        if (!met) throw new CozeException(CozeErrors.Parameters, otherwise);
    }

    private static ChatRecord Record(CozeChat chat) => new()
    {
        Sequence = chat.Sequence,
        Id = chat.Id,
        ConversationId = chat.ConversationId,
        BotId = chat.BotId,
        UserId = chat.UserId,
        Token = chat.Token,
        Stream = chat.Stream,
        AutoSaveHistory = chat.AutoSaveHistory,
        Status = chat.Status.ToWire(),
        Ended = chat.Ended,
        EndedAtMs = chat.EndedAt?.ToUnixTimeMilliseconds(),
        ClientGone = chat.ClientGone,
        DeltasProduced = chat.DeltasProduced,
        DeltasSent = chat.DeltasSent,
        DeltasAfterCancel = chat.DeltasAfterCancel,
        MetaData = chat.MetaData,
        Request = chat.Request,
        Answers = chat.Answers,
    };
}
