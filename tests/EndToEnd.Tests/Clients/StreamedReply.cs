using System.Net;
using System.Text;
using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A streamed reply that is being received. <see cref="DisposeAsync"/> closes the connection.</summary>
internal sealed class OpenReply : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly SseReader _reader;

    private OpenReply(HttpResponseMessage response, Stream body)
    {
        _response = response;
        _reader = new SseReader(body);
        Reply = new StreamedReply(response.StatusCode, response);
    }

    /// <summary>What has been read.</summary>
    public StreamedReply Reply { get; }

    /// <summary>
    /// Whether the response must end abnormally after what was read. A stream that follows a turn ends normally, so that browsers do not connect again.
    /// </summary>
    private bool IsCut => _response.RequestMessage?.Method == HttpMethod.Post && Reply.Error.ValueKind == JsonValueKind.Object;

    public static async Task<OpenReply> OpenAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
            Assert.Fail($"Expected a stream, but the status is {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new OpenReply(response, await response.Content.ReadAsStreamAsync(cancellationToken));
    }

    /// <summary>Reads the next record.</summary>
    /// <returns>False at the end of the stream.</returns>
    public async Task<bool> ReadNextAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await _reader.ReadNextAsync(cancellationToken) is { } record)
            {
                Reply.Add(record);
                return true;
            }
        }
        catch (HttpIOException) when (IsCut)
        {
            return false;
        }
        Assert.False(IsCut, "A reply that was cut by an error ended like a whole one.");
        return false;
    }

    /// <summary>Reads until a condition is satisfied. Fails at the end of the stream.</summary>
    public async Task ReadUntilAsync(Func<StreamedReply, bool> condition, CancellationToken cancellationToken)
    {
        while (!condition(Reply)) Assert.True(await ReadNextAsync(cancellationToken), "The stream ended before the condition was satisfied.");
    }

    /// <summary>Reads to the end.</summary>
    public async Task<StreamedReply> ReadAllAsync(CancellationToken cancellationToken)
    {
        while (await ReadNextAsync(cancellationToken))
        {
        }
        return Reply;
    }

    public ValueTask DisposeAsync()
    {
        _response.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>The part of a streamed reply that a client has read.</summary>
internal sealed class StreamedReply(HttpStatusCode status, HttpResponseMessage response)
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();

    public HttpStatusCode Status { get; } = status;

    /// <summary>All records, including comments.</summary>
    public List<SseRecord> Records { get; } = [];

    /// <summary>The text. Rewrites are applied, which requires that the reply has one answer.</summary>
    public string Text => _text.ToString();

    public string Reasoning => _reasoning.ToString();

    /// <summary>The chunks.</summary>
    public IEnumerable<JsonElement> Chunks =>
        Records.Where(record => record.Json.Text("object") == "chat.completion.chunk").Select(record => record.Json);

    /// <summary>The error in the stream, or an undefined element.</summary>
    public JsonElement Error => Records.Select(record => record.Json.Get("error")).LastOrDefault(error => error.ValueKind == JsonValueKind.Object);

    public bool IsDone => Records is [.., { Data: "[DONE]" }];

    public string? FinishReason => Chunks
        .SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
        .Select(choice => choice.Text("finish_reason"))
        .SingleOrDefault(reason => reason is not null);

    /// <summary>The usage, or an undefined element.</summary>
    public JsonElement Usage => Chunks.Select(chunk => chunk.Get("usage")).SingleOrDefault(usage => usage.ValueKind == JsonValueKind.Object);

    /// <summary>The extension object of the last chunk.</summary>
    public JsonElement Extension =>
        Records.Select(record => record.Extension).Single(extension => extension.Get("turn_id").ValueKind != JsonValueKind.Undefined);

    /// <summary>All events in extension objects.</summary>
    public IReadOnlyList<JsonElement> Events =>
        [.. Records.SelectMany(record => record.Events)];

    public int Comments => Records.Count(record => record.Comment is not null);

    /// <summary>The id of the last record that has one.</summary>
    public string? Cursor => Records.LastOrDefault(record => record.Id is not null)?.Id;

    public string TurnId => Header("x-turn-id")!;

    public string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    public void Add(SseRecord record)
    {
        Assert.False(IsDone, "A record arrived after [DONE].");
        Records.Add(record);
        if (record.Extension.Get("rewritten") is { ValueKind: JsonValueKind.Object } rewritten)
            _text.Length = rewritten.GetProperty("offset").GetInt32();
        _text.Append(record.Text);
        _reasoning.Append(record.Reasoning);
    }
}
