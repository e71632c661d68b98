using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Surfaces.Embeddings;

/// <summary>The fields of a request for embeddings.</summary>
internal static class EmbeddingFields
{
    private const int MaxDimensions = 65_536;

    public static FieldTable Table { get; } = new(
        new("model", FieldUse.Supported, "string", "A model of `GET /v1/models` that makes embeddings. Required."),
        new("input", FieldUse.Supported, "string or array", "A text, up to 2048 texts, or tokens: an array of integers, or of such arrays. Required.",
            CheckInput),
        new("encoding_format", FieldUse.Supported, "string", "`float` (default) or `base64`.", CheckFormat),
        new("dimensions", FieldUse.Supported, "integer, from 1", "The length of the vectors, if the model can shorten them.",
            FieldChecks.Integer(1, MaxDimensions)),
        new("user", FieldUse.Supported, "string", "The id of your end user."));

    private static void CheckInput(JsonElement input, JsonFieldPath path)
    {
        if (input.ValueKind == JsonValueKind.String) TaskInput.CheckText(input, path);
        else if (TaskInput.IsTokens(input)) TaskInput.CheckTokens(input, path);
        else
        {
            foreach (var (index, item) in TaskInput.Items(input, path).Index())
            {
                if (item.ValueKind == JsonValueKind.Array) TaskInput.CheckTokens(item, path[index]);
                else TaskInput.CheckText(item, path[index]);
            }
        }
    }

    private static void CheckFormat(JsonElement value, JsonFieldPath path)
    {
        if (JsonInput.ReadString(value, path) is not ("float" or "base64"))
            throw path.Invalid($"Invalid value for '{path}': expected \"float\" or \"base64\".");
    }
}

/// <summary>The fields of a request for moderations.</summary>
internal static class ModerationFields
{
    private const int MaxImageUrl = 8 << 20;

    public static FieldTable Table { get; } = new(
        new("model", FieldUse.Supported, "string", "A model of `GET /v1/models` that checks contents. Required."),
        new("input", FieldUse.Supported, "string or array", "A text, up to 2048 texts, or parts of the types `text` and `image_url`. Required.",
            CheckInput));

    private static void CheckInput(JsonElement input, JsonFieldPath path)
    {
        if (input.ValueKind == JsonValueKind.String)
        {
            TaskInput.CheckText(input, path);
            return;
        }
        foreach (var (index, item) in TaskInput.Items(input, path).Index())
        {
            if (item.ValueKind == JsonValueKind.Object) CheckPart(item, path[index]);
            else TaskInput.CheckText(item, path[index]);
        }
    }

    private static void CheckPart(JsonElement part, JsonFieldPath path)
    {
        switch (JsonInput.ReadString(JsonInput.GetMember(part, "type", path), path["type"]))
        {
            case "text":
                TaskInput.CheckText(JsonInput.GetMember(part, "text", path), path["text"]);
                break;
            case "image_url":
                var image = JsonInput.GetMember(part, "image_url", path);
                JsonInput.CheckObject(image, path["image_url"]);
                JsonInput.ReadString(JsonInput.GetMember(image, "url", path["image_url"]), path["image_url"]["url"], 1, MaxImageUrl);
                break;
            default:
                throw path["type"].Invalid($"Invalid value for '{path["type"]}': expected \"text\" or \"image_url\".");
        }
    }
}

/// <summary>Checks of inputs that are passed on as they are.</summary>
internal static class TaskInput
{
    private const int MaxItems = 2048;
    private const int MaxTokens = 100_000;

    public static bool IsTokens(JsonElement input) =>
        input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0 && input[0].ValueKind == JsonValueKind.Number;

    public static JsonElement.ArrayEnumerator Items(JsonElement input, JsonFieldPath path)
    {
        if (input.ValueKind != JsonValueKind.Array) throw path.Mistyped("a string or an array", input);
        if (input.GetArrayLength() is 0 or > MaxItems)
            throw path.Invalid($"Invalid '{path}': expected 1 to {MaxItems} items, but got {input.GetArrayLength()}.");
        return input.EnumerateArray();
    }

    public static void CheckText(JsonElement text, JsonFieldPath path)
    {
        if (JsonInput.ReadString(text, path).Length == 0) throw path.Invalid($"Invalid '{path}': expected a text, but it is empty.");
    }

    public static void CheckTokens(JsonElement tokens, JsonFieldPath path)
    {
        if (tokens.GetArrayLength() is 0 or > MaxTokens)
            throw path.Invalid($"Invalid '{path}': expected 1 to {MaxTokens} tokens, but got {tokens.GetArrayLength()}.");
        foreach (var (index, token) in tokens.EnumerateArray().Index()) JsonInput.ReadInteger(token, path[index], 0, uint.MaxValue);
    }
}
