using CozeCluster.Sandbox.Coze.Bots;
using CozeCluster.Sandbox.Coze.Control;
using CozeCluster.Sandbox.Coze.Conversations;
using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary><c>/v3/chat</c> and what belongs to it: retrieve, message list, cancel, tool outputs.</summary>
internal static class ChatApi
{
    public static async Task CreateAsync(CozeCall call)
    {
        var request = await call.ReadAsync(CozeJson.Wire.ChatRequest);
        ChatRequestRules.Check(request);
        var bot = BotFleet.Published(request.BotId!);
        CheckFiles(call, request.AdditionalMessages ?? []);
        var conversation = call.OptionalQuery("conversation_id") is { } id ? call.Coze.Conversation(id, call.Token) : NewConversation(call, bot);
        if (conversation.IsBusy) throw new CozeException(CozeErrors.ConversationBusy);
        if (!call.Token.TryTakeChat()) throw new CozeException(CozeErrors.NoBalance);

        var chat = NewChat(call, request, conversation);
        if (chat.Script is { EarlyError: not null } or { Http: not null })
        {
            await RefuseAsync(call, chat.Script);
            return;
        }
        if (!conversation.TryEnter(chat)) throw new CozeException(CozeErrors.ConversationBusy);

        call.Coze.Add(conversation);
        call.Coze.Add(chat);
        if (chat.AutoSaveHistory) conversation.Add(chat.Request, chat.CreatedAt);
        await RunAsync(call, chat, request.Stream, toolOutputs: null);
    }

    public static Task RetrieveAsync(CozeCall call) => call.OkAsync(Find(call).ToWire(), CozeJson.Wire.EnvelopeChatObject);

    /// <summary>What the bot has said. Nothing of an answer shows before the chat is completed.</summary>
    public static Task ListMessagesAsync(CozeCall call)
    {
        var chat = Find(call);
        IEnumerable<MessageObject> messages = chat.AutoSaveHistory ? chat.Messages : [];
        if (chat.Status != CozeChatStatus.Completed) messages = messages.Where(m => m.Type != "answer");
        return call.OkAsync<IReadOnlyList<MessageObject>>([.. messages], CozeJson.Wire.EnvelopeIReadOnlyListMessageObject);
    }

    /// <summary>Flips the status and no more: a stream goes on until its client drops the socket.</summary>
    public static async Task CancelAsync(CozeCall call)
    {
        var request = await call.ReadAsync(CozeJson.Wire.CancelChatRequest);
        if (string.IsNullOrEmpty(request.ChatId)) throw new CozeException(CozeErrors.Parameters, "chat_id is required");
        if (string.IsNullOrEmpty(request.ConversationId)) throw new CozeException(CozeErrors.Parameters, "conversation_id is required");
        var chat = call.Coze.Chat(request.ChatId, request.ConversationId, call.Token);
        if (!chat.Cancel(call.Coze.Time.GetUtcNow())) throw new CozeException(CozeErrors.NotCancellable);
        chat.Run?.StopIfUnwanted();
        await call.OkAsync(chat.ToWire(), CozeJson.Wire.EnvelopeChatObject);
    }

    public static async Task SubmitToolOutputsAsync(CozeCall call)
    {
        var chat = Find(call);
        var request = await call.ReadAsync(CozeJson.Wire.SubmitToolOutputsRequest);
        if (chat.RequiredAction is not { } action) throw new CozeException(CozeErrors.Parameters, "the chat does not wait for tool outputs");
        var outputs = request.ToolOutputs ?? [];
        foreach (var wanted in action.SubmitToolOutputs.ToolCalls)
            if (!outputs.Any(o => o?.ToolCallId == wanted.Id)) throw new CozeException(CozeErrors.Parameters, $"tool_outputs lacks the output of {wanted.Id}");
        if (outputs.Count > action.SubmitToolOutputs.ToolCalls.Count) throw new CozeException(CozeErrors.Parameters, "tool_outputs holds an output nobody asked for");
        if (!chat.Resume()) throw new CozeException(CozeErrors.Parameters, "the chat does not wait for tool outputs");
        await RunAsync(call, chat, request.Stream, outputs);
    }

    private static async Task RunAsync(CozeCall call, CozeChat chat, bool stream, IReadOnlyList<ToolOutput>? toolOutputs)
    {
        var request = call.Http.Request;
        var imageUrl = $"{request.Scheme}://{request.Host}{CozeSandboxRoutes.ImagePath}";
        if (!stream)
        {
            _ = new ChatRun(call.Coze, chat, client: null, imageUrl, toolOutputs).RunAsync();
            if (chat.Script.FirstByte > TimeSpan.Zero) await Task.Delay(chat.Script.FirstByte, call.Coze.Time, call.Aborted);
            await call.OkAsync(chat.ToWire() with { Status = "in_progress", Usage = null, CompletedAt = null }, CozeJson.Wire.EnvelopeChatObject);
            return;
        }
        var client = new ChatStream(call.Http, new SseForm(chat.Script.Wire));
        var run = new ChatRun(call.Coze, chat, client, imageUrl, toolOutputs);
        await using var left = call.Aborted.Register(run.ClientLeft);
        var running = run.RunAsync();
        await client.Released;
        // The chat goes on without its client; what went wrong with both still there is the request's fault.
        if (running.IsFaulted) await running;
    }

    private static CozeChat Find(CozeCall call) => call.Coze.Chat(call.Query("chat_id"), call.Query("conversation_id"), call.Token);

    private static CozeConversation NewConversation(CozeCall call, SandboxBot bot) =>
        new(call.Coze.Ids.Conversation(), call.Token.Account, bot.Id, call.Coze.Ids.Section(), call.Coze.Time.GetUtcNow()) { Implicit = true };

    private static CozeChat NewChat(CozeCall call, ChatRequest request, CozeConversation conversation)
    {
        var coze = call.Coze;
        var now = coze.Time.GetUtcNow();
        var id = coze.Ids.Chat();
        var messages = (request.AdditionalMessages ?? []).Select(m => new MessageObject
        {
            Id = coze.Ids.Message(),
            ConversationId = conversation.Id,
            BotId = request.BotId,
            ChatId = id,
            SectionId = conversation.SectionId,
            Role = m.Role!,
            Type = m.Type ?? (m.Role == "user" ? "question" : "answer"),
            Content = m.Content!,
            ContentType = m.ContentType ?? "text",
            MetaData = m.MetaData,
            CreatedAt = now.ToUnixTimeSeconds(),
            UpdatedAt = now.ToUnixTimeSeconds(),
        }).ToList();

        var question = LastQuestion(messages) ?? LastQuestion(conversation.Messages);
        if (question is null && request.ShortcutCommand is null) throw new CozeException(CozeErrors.Unanswerable, "additional_messages holds no user message to answer");
        var (prompt, script) = ScriptParser.ReadPrompt(question ?? "", coze.Scripts.Take());
        return new CozeChat(coze, script, prompt)
        {
            Id = id,
            ConversationId = conversation.Id,
            SectionId = conversation.SectionId,
            BotId = request.BotId!,
            UserId = request.UserId!,
            Token = call.Token.Value,
            Account = call.Token.Account,
            Stream = request.Stream,
            AutoSaveHistory = request.AutoSaveHistory ?? true,
            MetaData = request.MetaData ?? [],
            Request = messages,
            CreatedAt = now,
        };
    }

    // Media may stand beside its text in a message of its own, so the last text counts, not the last message.
    private static string? LastQuestion(IReadOnlyList<MessageObject> messages) =>
        messages.Where(m => m.Role == "user").Select(MessageRules.TextOf).LastOrDefault(text => text.Length > 0);

    private static async Task RefuseAsync(CozeCall call, ChatScript script)
    {
        if (script.FirstByte > TimeSpan.Zero) await Task.Delay(script.FirstByte, call.Coze.Time, call.Aborted);
        if (script.RetryAfter is { } wait) call.Http.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds)}";
        if (script.EarlyError is { } code) throw new CozeException(code, httpStatus: script.Http);
        await FaultStore.WriteBareAsync(call.Http, script.Http!.Value);
    }

    private static void CheckFiles(CozeCall call, IReadOnlyList<EnterMessage> messages)
    {
        foreach (var message in messages)
        {
            if (message.ContentType != "object_string") continue;
            foreach (var item in MessageRules.ReadItems(message.Content, "content"))
                if (!string.IsNullOrEmpty(item.FileId) && call.Coze.Files.Find(item.FileId, call.Token.Account) is null)
                    throw new CozeException(CozeErrors.FileNotFound, $"File {item.FileId} does not exist");
        }
    }
}
