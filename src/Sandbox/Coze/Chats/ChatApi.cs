namespace CozeCluster.Sandbox.Coze;

/// <summary><c>/v3/chat</c> and its related routes: retrieve, message list, cancel, tool outputs.</summary>
internal static class ChatApi
{
    public static async Task CreateAsync(CozeContext context)
    {
        var request = await context.ReadAsync(CozeJson.Utf8.ChatRequest);
        RequestValidator.CheckChat(request);
        var bot = BotSeeds.GetPublished(request.BotId!);
        CheckFiles(context, request.AdditionalMessages ?? []);
        var conversation = context.OptionalQuery("conversation_id") is { } id
            ? context.Coze.GetConversation(id, context.Token)
            : CreateConversation(context, bot);
        if (conversation.IsBusy) throw new CozeException(CozeErrorCodes.ConversationBusy);
        if (!context.Token.TryTakeChat()) throw new CozeException(CozeErrorCodes.InsufficientBalance);

        var chat = CreateChat(context, request, conversation);
        if (chat.Script is { EarlyError: not null } or { Http: not null })
        {
            await WriteScriptedErrorAsync(context, chat.Script);
            return;
        }
        if (!conversation.TryStart(chat)) throw new CozeException(CozeErrorCodes.ConversationBusy);

        context.Coze.Add(conversation);
        context.Coze.Add(chat);
        if (chat.AutoSaveHistory) conversation.Add(chat.Request, chat.CreatedAt);
        await RunAsync(context, chat, request.Stream, toolOutputs: null);
    }

    public static Task RetrieveAsync(CozeContext context) => context.WriteDataAsync(GetChat(context).ToObject(), CozeJson.Utf8.EnvelopeChatObject);

    /// <summary>The messages of the bot. Answers are listed only when the chat is completed.</summary>
    public static Task ListMessagesAsync(CozeContext context)
    {
        var chat = GetChat(context);
        IEnumerable<MessageObject> messages = chat.AutoSaveHistory ? chat.Messages : [];
        if (chat.Status != CozeChatStatus.Completed) messages = messages.Where(m => m.Type != "answer");
        return context.WriteDataAsync<IReadOnlyList<MessageObject>>([.. messages], CozeJson.Utf8.EnvelopeIReadOnlyListMessageObject);
    }

    /// <summary>Changes only the status. A stream continues until its client disconnects, as on the real server.</summary>
    public static async Task CancelAsync(CozeContext context)
    {
        var request = await context.ReadAsync(CozeJson.Utf8.CancelChatRequest);
        if (string.IsNullOrEmpty(request.ChatId)) throw CozeException.InvalidParameter("chat_id is required");
        if (string.IsNullOrEmpty(request.ConversationId)) throw CozeException.InvalidParameter("conversation_id is required");
        var chat = context.Coze.GetChat(request.ChatId, request.ConversationId, context.Token);
        if (!chat.TryCancel(context.Coze.Time.GetUtcNow())) throw new CozeException(CozeErrorCodes.NotCancellable);
        chat.Runner?.StopIfAbandoned();
        await context.WriteDataAsync(chat.ToObject(), CozeJson.Utf8.EnvelopeChatObject);
    }

    public static async Task SubmitToolOutputsAsync(CozeContext context)
    {
        var chat = GetChat(context);
        var request = await context.ReadAsync(CozeJson.Utf8.SubmitToolOutputsRequest);
        if (chat.RequiredAction is not { } action) throw NotWaiting();
        var outputs = request.ToolOutputs ?? [];
        var calls = action.SubmitToolOutputs.ToolCalls;
        foreach (var call in calls)
            if (!outputs.Any(o => o?.ToolCallId == call.Id)) throw CozeException.InvalidParameter($"tool_outputs lacks the output of {call.Id}");
        if (outputs.Count > calls.Count) throw CozeException.InvalidParameter("tool_outputs contains an output that was not requested");
        if (!chat.TryResume()) throw NotWaiting();
        await RunAsync(context, chat, request.Stream, outputs);

        static CozeException NotWaiting() => CozeException.InvalidParameter("the chat does not wait for tool outputs");
    }

    private static async Task RunAsync(CozeContext context, CozeChat chat, bool stream, IReadOnlyList<ToolOutput>? toolOutputs)
    {
        var request = context.Http.Request;
        var imageUrl = $"{request.Scheme}://{request.Host}{CozeRoutes.ImagePath}";
        if (!stream)
        {
            _ = new ChatRunner(context.Coze, chat, client: null, imageUrl, toolOutputs).RunAsync();
            await DelayFirstByteAsync(context, chat.Script);
            await context.WriteDataAsync(
                chat.ToObject() with { Status = "in_progress", Usage = null, CompletedAt = null }, CozeJson.Utf8.EnvelopeChatObject);
            return;
        }
        var client = new ChatStream(context.Http, new SseWriter(chat.Script.Format));
        var runner = new ChatRunner(context.Coze, chat, client, imageUrl, toolOutputs);
        await using var disconnected = context.Aborted.Register(runner.OnClientDisconnected);
        var running = runner.RunAsync();
        await client.Completion;
        // The chat may still run in the background. If it has failed already, the request fails with the same exception.
        if (running.IsFaulted) await running;
    }

    private static CozeChat GetChat(CozeContext context) =>
        context.Coze.GetChat(context.Query("chat_id"), context.Query("conversation_id"), context.Token);

    private static CozeConversation CreateConversation(CozeContext context, SeededBot bot)
    {
        var ids = context.Coze.Ids;
        return new(ids.NewConversationId(), context.Token.Account, bot.Id, ids.NewSectionId(), context.Coze.Time.GetUtcNow()) { IsImplicit = true };
    }

    private static CozeChat CreateChat(CozeContext context, ChatRequest request, CozeConversation conversation)
    {
        var coze = context.Coze;
        var now = coze.Time.GetUtcNow();
        var id = coze.Ids.NewChatId();
        var messages = (request.AdditionalMessages ?? [])
            .Select(m => MessageApi.CreateMessage(context, conversation, m, now) with { BotId = request.BotId, ChatId = id })
            .ToList();

        var question = FindQuestion(messages) ?? FindQuestion(conversation.Messages);
        if (question is null && request.ShortcutCommand is null)
            throw new CozeException(CozeErrorCodes.Unanswerable, "additional_messages contains no user message to answer");
        var (prompt, script) = ChatDirectives.Parser.ParsePrompt(question ?? "", coze.Scripts.Take());
        return new CozeChat(coze, script, prompt)
        {
            Id = id,
            ConversationId = conversation.Id,
            SectionId = conversation.SectionId,
            BotId = request.BotId!,
            UserId = request.UserId!,
            Token = context.Token.Value,
            Account = context.Token.Account,
            Stream = request.Stream,
            AutoSaveHistory = request.AutoSaveHistory ?? true,
            MetaData = request.MetaData ?? [],
            Request = messages,
            CreatedAt = now,
        };
    }

    // The last text counts, not the last message: a message with media only may follow the message with its text.
    private static string? FindQuestion(IReadOnlyList<MessageObject> messages) =>
        messages.Where(m => m.Role == "user").Select(MessageContent.GetText).LastOrDefault(text => text.Length > 0);

    private static async Task WriteScriptedErrorAsync(CozeContext context, ChatScript script)
    {
        await DelayFirstByteAsync(context, script);
        if (script.RetryAfter is { } wait) context.Http.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds)}";
        if (script.EarlyError is { } code) throw new CozeException(code, httpStatus: script.Http);
        await FaultInjector.WriteProxyErrorAsync(context.Http, script.Http!.Value);
    }

    private static Task DelayFirstByteAsync(CozeContext context, ChatScript script) =>
        script.FirstByte > TimeSpan.Zero ? Task.Delay(script.FirstByte, context.Coze.Time, context.Aborted) : Task.CompletedTask;

    private static void CheckFiles(CozeContext context, IReadOnlyList<EnterMessage> messages)
    {
        foreach (var message in messages)
        {
            if (message.ContentType != "object_string") continue;
            foreach (var item in MessageContent.ParseItems(message.Content, "content"))
                if (!string.IsNullOrEmpty(item.FileId) && context.Coze.Files.Find(item.FileId, context.Token.Account) is null)
                    throw new CozeException(CozeErrorCodes.FileNotFound, $"File {item.FileId} does not exist");
        }
    }
}
