namespace CozeCluster.Sandbox.Coze;

/// <summary>The control endpoints below <c>/coze/sandbox</c>: set scripts and faults, read recorded chats, create and expire tokens, reset.</summary>
internal static class ControlApi
{
    // An image of one pixel, for answers with an image.
    private static readonly byte[] Pixel = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    public static async Task ScriptAsync(CozeContext context)
    {
        var request = await context.ReadAsync(CozeJson.Utf8.ScriptRequest);
        Require(request.Script is not null, "script is required");
        Require(request.Times is null or >= 1, "times must be at least 1");
        context.Coze.Scripts.Add(request.Script!, request.Times);
    }

    public static async Task FaultAsync(CozeContext context)
    {
        var request = await context.ReadAsync(CozeJson.Utf8.FaultRequest);
        Require(!string.IsNullOrEmpty(request.Path), "path is required");
        Require(request.Times is null or >= 1, "times must be at least 1");
        Require(request.Http is null or (>= 200 and <= 599), "http must be 200 to 599");
        var delay = request.Delay is null ? TimeSpan.Zero : DirectiveValue.Duration(request.Delay);
        context.Coze.Faults.Add(new InjectedFault(request.Path!, delay, request.Http, request.Error), request.Times ?? 1);
    }

    /// <summary>The recorded chats. With <c>wait</c>, the response waits until <c>count</c> chats match; it is 504 after that time.</summary>
    public static async Task ChatsAsync(CozeContext context)
    {
        var filter = new ChatFilter(context.Http.Request.Query);
        if (context.OptionalQuery("wait") is { } wait)
        {
            var count = context.IntQuery("count", defaultValue: 1, min: 1, max: int.MaxValue);
            using var timeout = new CancellationTokenSource(DirectiveValue.Duration(wait), context.Coze.Time);
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, context.Aborted);
            try
            {
                await context.Coze.WaitForAsync(() => context.Coze.Chats.Count(filter.Matches) >= count, linked.Token);
            }
            catch (OperationCanceledException) when (!context.Aborted.IsCancellationRequested)
            {
                var error = new ControlError($"fewer than {count} chats matched within {wait}");
                await context.WriteAsync(error, CozeJson.Utf8.ControlError, StatusCodes.Status504GatewayTimeout);
                return;
            }
        }
        await context.WriteAsync(new ChatRecordList([.. context.Coze.Chats.Where(filter.Matches).Select(CreateRecord)]), CozeJson.Utf8.ChatRecordList);
    }

    public static Task CountsAsync(CozeContext context)
    {
        var chats = context.Coze.Chats;
        var key = context.OptionalQuery("meta");
        var counts = new ChatCounts
        {
            Total = chats.Count,
            Running = chats.Count(c => c.Status == CozeChatStatus.InProgress),
            Completed = chats.Count(c => c.Status == CozeChatStatus.Completed),
            Failed = chats.Count(c => c.Status == CozeChatStatus.Failed),
            RequiresAction = chats.Count(c => c.Status == CozeChatStatus.RequiresAction),
            Canceled = chats.Count(c => c.Status == CozeChatStatus.Canceled),
            ClientGone = chats.Count(c => c.ClientGone),
            Refused = context.Coze.Refusals.ToDictionary(r => $"{r.Key}", r => r.Value),
            ByMeta = key is null
                ? null
                : chats.Where(c => c.MetaData.ContainsKey(key)).CountBy(c => c.MetaData[key]).ToDictionary(),
        };
        return context.WriteAsync(counts, CozeJson.Utf8.ChatCounts);
    }

    public static Task ResetAsync(CozeContext context)
    {
        context.Coze.Reset();
        return Task.CompletedTask;
    }

    public static async Task MintTokenAsync(CozeContext context)
    {
        var request = await context.ReadOptionalAsync(CozeJson.Utf8.MintTokenRequest) ?? new MintTokenRequest(null, null, null, null);
        var unknown = request.Permissions?.FirstOrDefault(p => !CozePermissions.All.Contains(p));
        Require(unknown is null, $"permission '{unknown}' is none of {string.Join(", ", CozePermissions.All)}");
        var token = context.Coze.Tokens.Mint(
            "pat_",
            request.Account ?? "sandbox",
            request.Permissions?.ToHashSet(StringComparer.Ordinal) ?? CozePermissions.All,
            request.ExpiresInSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            request.Chats);
        await context.WriteAsync(new MintedToken(token.Value, token.Account, token.ExpiresAt?.ToUnixTimeSeconds()), CozeJson.Utf8.MintedToken);
    }

    public static async Task ExpireTokenAsync(CozeContext context)
    {
        var request = await context.ReadAsync(CozeJson.Utf8.ExpireTokenRequest);
        Require(request.Token is not null && context.Coze.ExpireToken(request.Token), "token is unknown");
    }

    public static Task OAuthAppAsync(CozeContext context) => context.WriteAsync(
        new OAuthAppObject(OAuthApp.AppId, context.Coze.OAuth.KeyId, context.Coze.OAuth.PrivateKeyPem, "api.coze.com"), CozeJson.Utf8.OAuthAppObject);

    public static Task ImageAsync(CozeContext context)
    {
        context.Http.Response.ContentType = "image/png";
        context.Http.Response.ContentLength = Pixel.Length;
        return context.Http.Response.Body.WriteAsync(Pixel, context.Aborted).AsTask();
    }

    private static void Require(bool condition, string error)
    {
        if (!condition) throw CozeException.InvalidParameter(error);
    }

    private static ChatRecord CreateRecord(CozeChat chat) => new()
    {
        Sequence = chat.Sequence,
        Id = chat.Id,
        ConversationId = chat.ConversationId,
        BotId = chat.BotId,
        UserId = chat.UserId,
        Token = chat.Token,
        Stream = chat.Stream,
        AutoSaveHistory = chat.AutoSaveHistory,
        Status = chat.Status.ToApiName(),
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

/// <summary>Selects chats by the query parameters of a control request.</summary>
internal sealed class ChatFilter
{
    private readonly List<Func<CozeChat, bool>> _conditions = [];

    public ChatFilter(IQueryCollection query)
    {
        foreach (var (name, values) in query)
        {
            var value = values.ToString();
            Func<CozeChat, bool>? condition = name switch
            {
                "id" => c => c.Id == value,
                "conversation_id" => c => c.ConversationId == value,
                "bot_id" => c => c.BotId == value,
                "token" => c => c.Token == value,
                "status" => c => c.Status.ToApiName() == value,
                "client_gone" => c => c.ClientGone == (value == "true"),
                "ended" => c => c.Ended == (value == "true"),
                "prompt" => c => c.Prompt.Contains(value, StringComparison.Ordinal),
                _ when name.StartsWith("meta.", StringComparison.Ordinal) => c => c.MetaData.GetValueOrDefault(name[5..]) == value,
                _ => null,
            };
            if (condition is not null) _conditions.Add(condition);
        }
    }

    public bool Matches(CozeChat chat) => _conditions.TrueForAll(condition => condition(chat));
}
