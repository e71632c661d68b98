using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Drill;

/// <summary>Reads from the fake Coze which chats were begun and what the bots said.</summary>
internal sealed class CozeRecord : IUpstreamRecord
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http;

    public CozeRecord(Uri sandbox)
    {
        _http = new HttpClient { BaseAddress = new Uri(sandbox, "coze/"), Timeout = TimeSpan.FromSeconds(60) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Token);
    }

    /// <inheritdoc />
    public async Task<ILookup<int, UpstreamChat>> GetChatsAsync(CancellationToken cancellationToken)
    {
        using var json = await GetAsync("sandbox/chats", cancellationToken);
        return json.RootElement.GetProperty("chats").EnumerateArray()
            .Where(chat => chat.GetProperty("meta_data").TryGetProperty("drill", out _))
            .ToLookup(
                chat => int.Parse(chat.GetProperty("meta_data").GetProperty("drill").GetString()!, CultureInfo.InvariantCulture),
                chat => new UpstreamChat(
                    chat.GetProperty("id").GetString()!,
                    chat.GetProperty("conversation_id").GetString()!,
                    chat.GetProperty("status").GetString()!,
                    chat.GetProperty("deltas_after_cancel").GetInt32(),
                    chat.TryGetProperty("ended_at_ms", out var ended) ? DateTimeOffset.FromUnixTimeMilliseconds(ended.GetInt64()) : null));
    }

    /// <inheritdoc />
    public Task<UpstreamReply> GetReplyAsync(UpstreamChat chat, CancellationToken cancellationToken) =>
        GetReplyAsync(chat.ConversationId, chat.Id, cancellationToken);

    /// <summary>The tokens that a completed chat reports.</summary>
    public async Task<(long Input, long Output)> GetUsageAsync(UpstreamChat chat, CancellationToken cancellationToken)
    {
        using var json = await GetAsync($"v3/chat/retrieve?conversation_id={chat.ConversationId}&chat_id={chat.Id}", cancellationToken);
        var usage = json.RootElement.GetProperty("data").GetProperty("usage");
        return (usage.GetProperty("input_count").GetInt64(), usage.GetProperty("output_count").GetInt64());
    }

    /// <inheritdoc />
    public async Task<UpstreamReply> SendAsync(string prompt, CancellationToken cancellationToken)
    {
        var message = new JsonObject { ["role"] = "user", ["type"] = "question", ["content_type"] = "text", ["content"] = prompt };
        var body = new JsonObject
        {
            ["bot_id"] = "7350000000000000001",
            ["user_id"] = "drill",
            ["stream"] = false,
            ["additional_messages"] = new JsonArray(message),
        };
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync("v3/chat", content, cancellationToken);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        var chat = json.RootElement.GetProperty("data");
        var (conversation, id) = (chat.GetProperty("conversation_id").GetString()!, chat.GetProperty("id").GetString()!);
        while (true)
        {
            using var state = await GetAsync($"v3/chat/retrieve?conversation_id={conversation}&chat_id={id}", cancellationToken);
            if (state.RootElement.GetProperty("data").GetProperty("status").GetString() == "completed")
                return await GetReplyAsync(conversation, id, cancellationToken);
            await Task.Delay(PollInterval, cancellationToken);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<UpstreamReply> GetReplyAsync(string conversation, string chat, CancellationToken cancellationToken)
    {
        using var json = await GetAsync($"v3/chat/message/list?conversation_id={conversation}&chat_id={chat}", cancellationToken);
        return UpstreamReply.FromMessages(json.RootElement.GetProperty("data"));
    }

    private async Task<JsonDocument> GetAsync(string path, CancellationToken cancellationToken) =>
        JsonDocument.Parse(await _http.GetByteArrayAsync(path, cancellationToken));
}
