using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Client;

/// <summary>
/// A bot on Coze. Every call of <see cref="SendAsync"/> sends a whole history and begins a chat of its own. Any number may run at the same time. Thread-safe.
/// </summary>
/// <example><code>
/// using var bot = new RealCozeApi(new RealCozeOptions { Session = token, Bot = new RealCozeBot("7350000000000000001") });
/// var reply = await bot.SendAsync([new RealCozeMessage(RealCozeRole.User, "Hello!")], result => Console.WriteLine(result.Data?.Content));
/// </code></example>
public sealed class RealCozeApi : IDisposable
{
    private const int PermissionMissing = 4101;
    private static readonly int[] AnswersOnly = [RealCozeRole.Assistant];
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(5);

    private readonly RealCozeOptions _options;
    private readonly HttpClient _http;
    private readonly Lock _gate = new();
    private CancellationTokenSource _connection = new();

    /// <exception cref="ArgumentException">An option is missing or not valid.</exception>
    public RealCozeApi(RealCozeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.Session)) throw new ArgumentException("Session is missing. Set it to a token of Coze (pat_…).", nameof(options));
        if (string.IsNullOrWhiteSpace(options.Bot.Id)) throw new ArgumentException("Bot is missing. Set it to the id of a bot.", nameof(options));
        _options = options;
        _http = options.Handler is { } handler ? new HttpClient(handler, disposeHandler: false) : new HttpClient(CreateHandler(options.Proxy));
        _http.BaseAddress = new Uri(options.BaseUrl.ToString().TrimEnd('/') + "/");
        _http.Timeout = Timeout.InfiniteTimeSpan;
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.Session.Trim());
    }

    /// <summary>
    /// Asks Coze whether the token and the bot are valid. It is not necessary before <see cref="SendAsync"/>, but it is after <see cref="Disconnect"/>.
    /// </summary>
    /// <returns>The result, with the reason if it is not a success.</returns>
    public async Task<RealCozeResult> ConnectAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_connection.IsCancellationRequested) _connection = new CancellationTokenSource();
        }
        try
        {
            using var limit = LimitOf(cancellationToken);
            using var response = await _http.GetAsync($"v1/bots/{Uri.EscapeDataString(_options.Bot.Id)}", limit.Token).ConfigureAwait(false);
            await ReadData(response, limit.Token).ConfigureAwait(false);
        }
        catch (RealCozeException exception) when (exception.Code == PermissionMissing)
        {
            // A token may be allowed to chat, and not to read bots.
        }
        catch (Exception exception) when (exception is RealCozeException or HttpRequestException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new RealCozeResult(false, null, Describe(exception).Message);
        }
        return new RealCozeResult(true, null, null);
    }

    /// <summary>Sends a history and waits for the whole reply.</summary>
    /// <param name="history">The messages, oldest first. The last one should be of the user. Those of the bot's configuration come before them.</param>
    /// <param name="onData">Called with each piece of the reply, the last one included, or with the error. Null: there is no callback.</param>
    /// <param name="roles">The kinds of pieces that <paramref name="onData"/> receives, see <see cref="RealCozeRole"/>. Null: answers only.</param>
    /// <param name="cancellationToken">Cancels the chat.</param>
    /// <returns>The last piece of the answer.</returns>
    /// <exception cref="RealCozeException">Coze refused the request, could not be reached, or cut the reply.</exception>
    /// <exception cref="OperationCanceledException">The chat was cancelled, or <see cref="Disconnect"/> was called.</exception>
    /// <exception cref="ArgumentException">The history has nothing that can be sent.</exception>
    public async Task<RealCozeData> SendAsync(
        IEnumerable<RealCozeMessage> history, Action<RealCozeResult>? onData = null, IReadOnlyCollection<int>? roles = null,
        CancellationToken cancellationToken = default)
    {
        var body = ChatBody.Write(_options.Bot.Id, _options.User, _options.Bot.History.Concat(history));
        var reply = new ChatReply();
        Exception? ownError = null;
        using var limit = LimitOf(cancellationToken);
        try
        {
            await Read(reply, body, Tell, limit).ConfigureAwait(false);
            var last = new RealCozeData(reply.Text, Continue: false);
            Tell(last);
            return last;
        }
        catch (Exception exception) when (ownError is not null || IsExpected(exception))
        {
            if (!reply.HasEnded) await Cancel(reply).ConfigureAwait(false);
            // An error of the callback is not one of Coze.
            if (ownError is not null) throw;
            cancellationToken.ThrowIfCancellationRequested();
            if (exception is OperationCanceledException && !limit.IsOver) throw;
            var described = Describe(exception);
            onData?.Invoke(new RealCozeResult(false, null, described.Message));
            throw described;
        }

        void Tell(RealCozeData data)
        {
            try
            {
                if ((roles ?? AnswersOnly).Contains(data.ReplyType)) onData?.Invoke(new RealCozeResult(true, data, null));
            }
            catch (Exception exception)
            {
                ownError = exception;
                throw;
            }
        }

        static bool IsExpected(Exception exception) =>
            exception is RealCozeException or HttpRequestException or IOException or OperationCanceledException or JsonException;
    }

    /// <summary>Makes a message for a history.</summary>
    /// <param name="content">The text; for <c>image</c> and <c>file</c>, the id of an uploaded file, or a URL.</param>
    /// <param name="type"><c>image</c>, <c>file</c>, or null for a text.</param>
    /// <param name="role">See <see cref="RealCozeRole"/>.</param>
    public static IReadOnlyList<RealCozeMessage> GenerateChatHistory(string content, string? type = null, int role = RealCozeRole.User)
    {
        var key = JsonEncodedText.Encode(content);
        return type switch
        {
            "image" => [new RealCozeMessage(role, $$"""{"image_list":[{"key":"{{key}}"}]}""", 6)],
            "file" => [new RealCozeMessage(role, $$"""{"file_list":[{"key":"{{key}}"}]}""", 9)],
            _ => [new RealCozeMessage(role, content)],
        };
    }

    /// <summary>Uploads a file to Coze, for messages to bots of the same account.</summary>
    /// <param name="file">The bytes.</param>
    /// <param name="extension">The extension of its name, such as <c>.png</c>.</param>
    /// <param name="cancellationToken">Cancels the upload.</param>
    /// <exception cref="RealCozeException">Coze refused the file, or could not be reached.</exception>
    public async Task<RealCozeUpload> UploadFileAsync(ReadOnlyMemory<byte> file, string extension, CancellationToken cancellationToken = default)
    {
        using var limit = LimitOf(cancellationToken);
        try
        {
            using var form = new MultipartFormDataContent { { new ReadOnlyMemoryContent(file), "file", $"file.{extension.TrimStart('.')}" } };
            using var response = await _http.PostAsync("v1/files/upload", form, limit.Token).ConfigureAwait(false);
            var data = await ReadData(response, limit.Token).ConfigureAwait(false);
            return new RealCozeUpload(true, data.Text("id") ?? throw new RealCozeException("Coze answered the upload without the id of the file."));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && limit.IsOver))
        {
            throw Describe(exception);
        }
    }

    /// <summary>Cancels all chats that are running. <see cref="ConnectAsync"/> allows new ones.</summary>
    public void Disconnect()
    {
        lock (_gate) _connection.Cancel();
    }

    /// <summary>Disconnects, and closes the connections to Coze.</summary>
    public void Dispose()
    {
        Disconnect();
        _http.Dispose();
    }

    private async Task Read(ChatReply reply, ReadOnlyMemory<byte> body, Action<RealCozeData> tell, TimeLimit limit)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v3/chat") { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        // A chat that fails early is answered as JSON, with status 200.
        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream") await ReadData(response, limit.Token).ConfigureAwait(false);
        var stream = await response.Content.ReadAsStreamAsync(limit.Token).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var events = SseParser.Create(stream, static (_, data) => JsonMembers.Parse(Encoding.UTF8.GetString(data)));
            await foreach (var item in events.EnumerateAsync(limit.Token).ConfigureAwait(false))
            {
                limit.Restart();
                if (reply.Handle(item.EventType, item.Data) is { } data) tell(data);
                if (reply.HasEnded) break;
            }
        }
        if (!reply.IsWhole) throw new RealCozeException("Coze ended the reply before it was complete.");
    }

    /// <summary>Cancels a chat at Coze, which would continue it otherwise. Nothing depends on the answer.</summary>
    private async Task Cancel(ChatReply reply)
    {
        if (reply.Ids is not var (conversation, chat)) return;
        var body = $$"""{"conversation_id":"{{JsonEncodedText.Encode(conversation)}}","chat_id":"{{JsonEncodedText.Encode(chat)}}"}""";
        using var timeout = new CancellationTokenSource(CancelTimeout, _options.TimeProvider);
        try
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await _http.PostAsync("v3/chat/cancel", content, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection of the chat is closed, which is what counts.
        }
    }

    private static async Task<JsonElement> ReadData(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var envelope = JsonMembers.Parse(text);
        if (envelope.Number("code") is { } code) return code == 0 ? envelope.Member("data") : throw ChatReply.ErrorOf(envelope);
        throw new RealCozeException($"Coze answered with status {(int)response.StatusCode}, and not in its own form. Check the base URL and the proxy.");
    }

    /// <summary>The error for the caller. Servers may repeat what they receive, so the token is removed from their texts.</summary>
    private RealCozeException Describe(Exception exception) => exception switch
    {
        RealCozeException known => new RealCozeException(Clean(known.Message), known.Code),
        OperationCanceledException => new RealCozeException($"Coze sent nothing for {_options.Timeout.TotalSeconds} s."),
        JsonException => new RealCozeException("Coze sent something that is not JSON."),
        _ => new RealCozeException($"Coze could not be reached, or the connection broke: {Clean(exception.Message)}"),
    };

    private string Clean(string text) => text.Replace(_options.Session.Trim(), "***", StringComparison.Ordinal);

    private TimeLimit LimitOf(CancellationToken cancellationToken)
    {
        lock (_gate) return new TimeLimit(_options.Timeout, _options.TimeProvider, cancellationToken, _connection.Token);
    }

    private static SocketsHttpHandler CreateHandler(string? proxy)
    {
        var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All };
        if (string.IsNullOrWhiteSpace(proxy)) return handler;
        if (!Uri.TryCreate(proxy, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https" or "socks4" or "socks4a" or "socks5"))
            throw new ArgumentException("The proxy must be a URL that begins with http://, socks4:// or socks5://.");
        var credentials = url.UserInfo.Split(':', 2) is [{ Length: > 0 } user, var password]
            ? new NetworkCredential(Uri.UnescapeDataString(user), Uri.UnescapeDataString(password))
            : null;
        handler.Proxy = new WebProxy(new UriBuilder(url) { UserName = "", Password = "" }.Uri) { Credentials = credentials };
        return handler;
    }
}
