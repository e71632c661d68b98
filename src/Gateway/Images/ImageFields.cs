using System.Collections.Frozen;
using System.Text.Json;
using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Images;

/// <summary>Every field of a request for images that the gateway knows. Unknown fields pass. The documentation and the OpenAPI document follow this table.</summary>
internal static class ImageFields
{
    private const string InWords = "Told to the bot in words; `auto` says nothing.";

    public static IReadOnlyList<RequestField> All { get; } =
    [
        new("model", FieldUse.Honoured, "string", "A model of `GET /v1/models`. Required."),
        new("prompt", FieldUse.Honoured, "string, 1–32000 characters", "What to draw. Required."),
        new("n", FieldUse.Honoured, "integer, 1–10", "How many images; each is asked for in a turn of its own. Default 1."),
        new("response_format", FieldUse.Honoured, "string", "`url` (default): the image's address as the bot gave it. `b64_json`: the image itself."),
        new("size", FieldUse.Honoured, "string", InWords),
        new("quality", FieldUse.Honoured, "string", InWords),
        new("style", FieldUse.Honoured, "string", InWords),
        new("background", FieldUse.Honoured, "string", InWords),
        new("user", FieldUse.Honoured, "string", "Your end user: keeps memories at the bot apart."),

        new("output_format", FieldUse.Ignored, "string", "The image is of the kind the bot makes.", FieldChecks.String),
        new("output_compression", FieldUse.Ignored, "integer, 0–100", "", FieldChecks.Integer(0, 100)),
        new("moderation", FieldUse.Ignored, "string", "", FieldChecks.String),

        new("stream", FieldUse.Refused, "boolean", "`false` passes.", RefuseStream),
        new("partial_images", FieldUse.Refused, "integer, 0–3", "`0` passes.", RefusePartialImages),
    ];

    private static readonly FrozenDictionary<string, RequestField> ByName = All.ToFrozenDictionary(field => field.Name);

    /// <summary>The field of that name; null if the gateway does not know it.</summary>
    public static RequestField? Find(string name) => ByName.GetValueOrDefault(name);

    private static void RefuseStream(JsonElement value, JsonPlace at)
    {
        if (JsonInput.Boolean(value, at)) throw at.Wrong($"'{at}' cannot be honoured: images come whole; send false or leave it out.");
    }

    private static void RefusePartialImages(JsonElement value, JsonPlace at)
    {
        if (JsonInput.Integer(value, at, 0, 3) > 0) throw at.Wrong($"'{at}' cannot be honoured: images come whole; send 0 or leave it out.");
    }
}
