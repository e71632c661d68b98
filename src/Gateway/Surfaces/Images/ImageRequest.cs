using System.Buffers;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Surfaces.Images;

/// <summary>The fields of a request for images.</summary>
internal static class ImageFields
{
    private const string HintNote = "Added to the prompt as text; `auto` adds nothing.";

    public static FieldTable Table { get; } = new(
        new("model", FieldUse.Supported, "string", "A model of `GET /v1/models`. Required."),
        new("prompt", FieldUse.Supported, "string, 1–32000 characters", "What to draw. Required."),
        new("n", FieldUse.Supported, "integer, 1–10", "How many images. Each is requested in a turn of its own. Default 1."),
        new("response_format", FieldUse.Supported, "string", "`url` (default): the image's URL as the bot gave it. `b64_json`: the image itself."),
        new("size", FieldUse.Supported, "string", HintNote),
        new("quality", FieldUse.Supported, "string", HintNote),
        new("style", FieldUse.Supported, "string", HintNote),
        new("background", FieldUse.Supported, "string", HintNote),
        new("user", FieldUse.Supported, "string", "The id of your end user. The bot's platform keeps the memories of different users apart."),

        new("output_format", FieldUse.Ignored, "string", "The bot decides the format of the image.", FieldChecks.String),
        new("output_compression", FieldUse.Ignored, "integer, 0–100", "", FieldChecks.Integer(0, 100)),
        new("moderation", FieldUse.Ignored, "string", "", FieldChecks.String),

        new("stream", FieldUse.Rejected, "boolean", "`false` is accepted.", CheckStream),
        new("partial_images", FieldUse.Rejected, "integer, 0–3", "`0` is accepted.", CheckPartialImages));

    private static void CheckStream(JsonElement value, JsonFieldPath path)
    {
        if (JsonInput.ReadBoolean(value, path)) throw FieldChecks.NotSupported(path, "images are not streamed; send false or omit it");
    }

    private static void CheckPartialImages(JsonElement value, JsonFieldPath path)
    {
        if (JsonInput.ReadInteger(value, path, 0, 3) > 0) throw FieldChecks.NotSupported(path, "images are not streamed; send 0 or omit it");
    }
}

/// <summary>A request for images, checked.</summary>
/// <param name="Model">The requested model.</param>
/// <param name="Prompt">What to draw, in the client's words.</param>
/// <param name="Count">The number of images, 1 to 10.</param>
/// <param name="Inline">Whether the response must contain the images themselves and not their URLs.</param>
/// <param name="User">The client's end user; null if there is none.</param>
/// <param name="Hints">What else the client asks for, in the order of the field table.</param>
internal sealed record ImageRequest(string Model, string Prompt, int Count, bool Inline, string? User, IReadOnlyList<ImageHint> Hints)
{
    private const int MaxPromptLength = 32_000;
    private const int MaxHintLength = 40;
    private static readonly string[] HintNames = ["size", "quality", "style", "background"];

    /// <summary>Builds the prompt for the bot: the client's prompt, and after it the hints, because bots have no settings for them.</summary>
    public string BuildPrompt()
    {
        var prompt = new StringBuilder(Prompt).Append("\n\nDraw this as an image and show it in your answer.");
        foreach (var (name, value) in Hints)
            prompt.Append(' ').Append(char.ToUpperInvariant(name[0])).Append(name.AsSpan(1)).Append(": ").Append(value).Append('.');
        return prompt.ToString();
    }

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>. It names the field.</exception>
    public static ImageRequest Read(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var path = JsonFieldPath.Root;
        ImageFields.Table.Check(root);
        return new ImageRequest(
            JsonInput.ReadString(JsonInput.GetMember(root, "model", path), path["model"], 1, 256),
            JsonInput.ReadString(JsonInput.GetMember(root, "prompt", path), path["prompt"], 1, MaxPromptLength),
            JsonInput.FindMember(root, "n") is { } count ? (int)JsonInput.ReadInteger(count, path["n"], 1, 10) : 1,
            JsonInput.FindMember(root, "response_format") is { } format && IsInline(format, path["response_format"]),
            JsonInput.FindText(root, "user", path, 1024),
            [.. ReadHints(root, path)]);
    }

    private static bool IsInline(JsonElement format, JsonFieldPath path) => JsonInput.ReadString(format, path) switch
    {
        "url" => false,
        "b64_json" => true,
        _ => throw path.Invalid($"Invalid value for '{path}': expected \"url\" or \"b64_json\"."),
    };

    private static IEnumerable<ImageHint> ReadHints(JsonElement root, JsonFieldPath path)
    {
        foreach (var name in HintNames)
        {
            if (JsonInput.FindMember(root, name) is not { } value) continue;
            var hint = JsonInput.ReadString(value, path[name], 1, MaxHintLength);
            if (hint.Any(char.IsControl)) throw path[name].Invalid($"Invalid '{name}': expected one or two words without control characters.");
            if (hint != "auto") yield return new ImageHint(name, hint);
        }
    }
}

/// <summary>Something that the client asks for besides the prompt, such as a size.</summary>
/// <param name="Name">The name of the field.</param>
/// <param name="Value">The client's value.</param>
internal sealed record ImageHint(string Name, string Value);
