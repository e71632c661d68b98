using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.OpenAi;

/// <summary><c>POST /embeddings</c> and <c>POST /moderations</c>. The same input always has the same result.</summary>
internal static class OpenAiTaskApi
{
    private const int DefaultDimensions = 8;
    private const int MaxDimensions = 256;
    private const int MaxInputs = 2048;
    private const int CharsPerToken = 4;

    // A text that contains one of these is flagged in the category of the same name.
    private static readonly string[] Categories = ["harassment", "hate", "illicit", "self-harm", "sexual", "violence"];

    public static void MapTasks(this IEndpointRouteBuilder routes, FakeOpenAi fake)
    {
        routes.MapMethods("/v1/embeddings", ["POST"], (RequestDelegate)(http => AnswerAsync(http, fake, FakeOpenAi.EmbeddingModel, Embed)));
        routes.MapMethods("/v1/moderations", ["POST"], (RequestDelegate)(http => AnswerAsync(http, fake, FakeOpenAi.ModerationModel, Moderate)));
    }

    private static async Task AnswerAsync(HttpContext http, FakeOpenAi fake, string model, Action<Utf8JsonWriter, JsonElement> write)
    {
        try
        {
            var token = OpenAiCompletionApi.Authenticate(http);
            using var document = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
            var body = document.RootElement;
            if (body.GetProperty("model").GetString() != model)
                throw new OpenAiError(404, $"The model `{body.GetProperty("model")}` does not exist.", "invalid_request_error", "model_not_found");
            var text = Inputs(body).Select(input => input.ToString()).FirstOrDefault() ?? "";
            var (_, script) = ChatDirectives.Parser.ParsePrompt(text, fake.Scripts.Take());
            if (script.FirstByte > TimeSpan.Zero) await Task.Delay(script.FirstByte, fake.Time, http.RequestAborted);
            if (script.EarlyError is { } status) throw OpenAiError.OfStatus(status);
            using var buffer = new MemoryStream();
            await using (var json = new Utf8JsonWriter(buffer)) write(json, body);
            fake.Add(new OpenAiTaskRequest(http.Request.Path.Value![http.Request.Path.Value!.LastIndexOf('/')..], token, body.GetRawText()));
            http.Response.ContentType = "application/json";
            await http.Response.Body.WriteAsync(buffer.ToArray(), http.RequestAborted);
        }
        catch (OpenAiError error)
        {
            await error.WriteAsync(http);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            await OpenAiError.Invalid("", $"We could not parse the body of your request: {error.Message}").WriteAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected.
        }
    }

    /// <summary>One text, one list of tokens, or an array of either.</summary>
    private static List<JsonElement> Inputs(JsonElement body)
    {
        var input = body.GetProperty("input");
        var isOne = input.ValueKind == JsonValueKind.String
            || (input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0 && input[0].ValueKind == JsonValueKind.Number);
        List<JsonElement> inputs = isOne ? [input] : [.. input.EnumerateArray()];
        if (inputs.Count is 0 or > MaxInputs || inputs.Any(one => one.ValueKind == JsonValueKind.String && one.GetString()!.Length == 0))
            throw OpenAiError.Invalid("input", "'$.input' is invalid.");
        return inputs;
    }

    private static void Embed(Utf8JsonWriter json, JsonElement body)
    {
        var isBase64 = body.TryGetProperty("encoding_format", out var format) && format.ValueEquals("base64");
        var dimensions = body.TryGetProperty("dimensions", out var given) ? given.GetInt32() : DefaultDimensions;
        if (dimensions is < 1 or > MaxDimensions) throw OpenAiError.Invalid("dimensions", $"'dimensions' must be at most {MaxDimensions}.");
        var inputs = Inputs(body);
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (var (index, input) in inputs.Index())
        {
            var vector = Vector(input.GetRawText(), dimensions);
            json.WriteStartObject();
            json.WriteString("object", "embedding");
            json.WriteNumber("index", index);
            if (isBase64) json.WriteBase64String("embedding", Bytes(vector));
            else WriteNumbers(json, vector);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("model", FakeOpenAi.EmbeddingModel);
        var tokens = inputs.Sum(input => 1 + input.GetRawText().Length / CharsPerToken);
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", tokens);
        json.WriteNumber("total_tokens", tokens);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, float[] vector)
    {
        json.WriteStartArray("embedding");
        foreach (var number in vector) json.WriteNumberValue(number);
        json.WriteEndArray();
    }

    /// <summary>A vector of length 1 that depends on the text.</summary>
    private static float[] Vector(string text, int dimensions)
    {
        var vector = new float[dimensions];
        for (var i = 0; i < dimensions; i++)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{i} {text}"));
            vector[i] = BinaryPrimitives.ReadInt32LittleEndian(hash) / (float)int.MaxValue;
        }
        var length = MathF.Sqrt(vector.Sum(number => number * number));
        return [.. vector.Select(number => number / length)];
    }

    private static byte[] Bytes(float[] vector)
    {
        var bytes = new byte[vector.Length * sizeof(float)];
        for (var i = 0; i < vector.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), vector[i]);
        return bytes;
    }

    private static void Moderate(Utf8JsonWriter json, JsonElement body)
    {
        json.WriteStartObject();
        json.WriteString("id", "modr-sandbox");
        json.WriteString("model", FakeOpenAi.ModerationModel);
        json.WriteStartArray("results");
        foreach (var input in Inputs(body))
        {
            var found = Categories.Where(category => input.ToString().Contains(category, StringComparison.OrdinalIgnoreCase)).ToHashSet();
            json.WriteStartObject();
            json.WriteBoolean("flagged", found.Count > 0);
            json.WriteStartObject("categories");
            foreach (var category in Categories) json.WriteBoolean(category, found.Contains(category));
            json.WriteEndObject();
            json.WriteStartObject("category_scores");
            foreach (var category in Categories) json.WriteNumber(category, found.Contains(category) ? 0.99 : 0.01);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
