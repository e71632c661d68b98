using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>Embeddings and moderations of OpenAI, and of every server with the same API by its base URL. What the server answers is passed on.</summary>
internal sealed class OpenAiTasks : IModelTaskUpstream, IDisposable
{
    private readonly UpstreamHttp _http;
    private readonly OpenAiHttp _client;

    public OpenAiTasks(ISecretSeal seal, TimeProvider time, ILogger<OpenAiTasks> logger)
    {
        seal = new NotingSeal(seal);
        _http = new UpstreamHttp(seal);
        _client = new OpenAiHttp(_http, seal, time, logger);
    }

    /// <inheritdoc />
    public string Name => UpstreamNames.OpenAi;

    /// <inheritdoc />
    public Task<ModelTaskAnswer> Run(UpstreamTask task, CancellationToken cancellationToken)
    {
        var path = task.Task switch
        {
            ModelTask.Embeddings => "/embeddings",
            ModelTask.Moderations => "/moderations",
            _ => throw new ArgumentException("The task is not a request of its own.", nameof(task)),
        };
        var body = OpenAiJson.Write(task, WriteBody);
        return _client.Post(task.Account, path, body, answer => OpenAiTaskAnswer.Read(answer, task.Model), cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private static void WriteBody(Utf8JsonWriter json, UpstreamTask task)
    {
        var options = OpenAiBotOptions.Parse(task.Bot);
        using var asked = JsonDocument.Parse(task.Body);
        json.WriteStartObject();
        json.WriteString("model"u8, task.Bot.UpstreamBotId);
        foreach (var member in asked.RootElement.EnumerateObject())
        {
            if (!options.Fields.ContainsKey(member.Name)) member.WriteTo(json);
        }
        if (options.SendUser) json.WriteString("user"u8, task.User);
        foreach (var (name, value) in options.Fields)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
        json.WriteEndObject();
    }
}

/// <summary>Reads the answers of tasks without building a document of their numbers, which can be many megabytes.</summary>
internal static class OpenAiTaskAnswer
{
    /// <summary>Replaces the name of the model in an answer, or adds it, and reads its token counts.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="model">The client's name of the model.</param>
    /// <returns>Null if it is no JSON object of this kind.</returns>
    public static ModelTaskAnswer? Read(ReadOnlyMemory<byte> json, string model)
    {
        try
        {
            var (name, usage) = Scan(json.Span);
            var replacement = OpenAiJson.Write(model, static (writer, text) => writer.WriteStringValue(text)).Span;
            return name is not { } found ? null
                : found.Start < found.End ? new ModelTaskAnswer([.. json.Span[..found.Start], .. replacement, .. json.Span[found.End..]], usage)
                : new ModelTaskAnswer([.. json.Span[..found.Start], .. "\"model\":"u8, .. replacement, (byte)',', .. json.Span[found.Start..]], usage);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Where the name is; the start of the members if an answer has results without it; null for anything else, such as an error in a successful answer.
    private static ((int Start, int End)? Model, Usage? Usage) Scan(ReadOnlySpan<byte> json)
    {
        (int, int)? name = null;
        var (hasResults, hasError) = (false, false);
        Usage? usage = null;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return default;
        var members = (int)reader.BytesConsumed;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isModel, isUsage) = (reader.ValueTextEquals("model"u8), reader.ValueTextEquals("usage"u8));
            var isResults = reader.ValueTextEquals("data"u8) || reader.ValueTextEquals("results"u8);
            var isError = reader.ValueTextEquals("error"u8);
            reader.Read();
            hasResults |= isResults && reader.TokenType == JsonTokenType.StartArray;
            hasError |= isError && reader.TokenType != JsonTokenType.Null;
            if (isModel && reader.TokenType is (JsonTokenType.String or JsonTokenType.Null)) name = ((int)reader.TokenStartIndex, (int)reader.BytesConsumed);
            if (isUsage && reader.TokenType == JsonTokenType.StartObject) usage = ReadUsage(ref reader);
            else reader.Skip();
        }
        // Reads the end, so that bytes after it are an error.
        while (reader.Read())
        {
        }
        return (name ?? (hasResults && !hasError ? (members, members) : null), usage);
    }

    private static Usage? ReadUsage(ref Utf8JsonReader reader)
    {
        long? input = null;
        long? total = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isInput, isTotal) = (reader.ValueTextEquals("prompt_tokens"u8), reader.ValueTextEquals("total_tokens"u8));
            reader.Read();
            var number = reader.TokenType == JsonTokenType.Number && reader.TryGetDecimal(out var value) && value is >= 0 and <= long.MaxValue
                ? (long)value
                : (long?)null;
            if (isInput) input = number;
            else if (isTotal) total = number;
            reader.Skip();
        }
        return input is { } known ? new Usage(known, Math.Max(0, (total ?? known) - known), total ?? known) : null;
    }
}
