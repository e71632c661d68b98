using System.Buffers;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Images;

/// <summary>A request for images, read and checked.</summary>
/// <param name="Model">The model asked for.</param>
/// <param name="Prompt">What to draw, in the client's words.</param>
/// <param name="Count">How many images.</param>
/// <param name="Inline">Whether the images themselves are wanted, and not their addresses.</param>
/// <param name="User">The client's end user.</param>
/// <param name="Wishes">What else the client asks for, by name, in the order of the table of fields.</param>
internal sealed record ImageRequest(string Model, string Prompt, int Count, bool Inline, string? User, IReadOnlyList<(string Name, string Value)> Wishes)
{
    private const int MaxPrompt = 32_000;
    private const int MaxWish = 40;
    private static readonly string[] WishNames = ["size", "quality", "style", "background"];

    /// <summary>What the bot is told: the prompt, and below it what bots have no settings for.</summary>
    public string Told()
    {
        var told = new StringBuilder(Prompt).Append("\n\nDraw this as an image and show it in your answer.");
        foreach (var (name, value) in Wishes) told.Append(' ').Append(char.ToUpperInvariant(name[0])).Append(name.AsSpan(1)).Append(": ").Append(value).Append('.');
        return told.ToString();
    }

    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>, naming the field.</exception>
    public static ImageRequest Read(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var at = JsonPlace.Root;
        foreach (var property in root.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Null) ImageFields.Find(property.Name)?.Check?.Invoke(property.Value, at[property.Name]);
        }
        return new ImageRequest(
            JsonInput.String(JsonInput.Member(root, "model", at), at["model"], 1, 256),
            JsonInput.String(JsonInput.Member(root, "prompt", at), at["prompt"], 1, MaxPrompt),
            JsonInput.Find(root, "n") is { } count ? (int)JsonInput.Integer(count, at["n"], 1, 10) : 1,
            JsonInput.Find(root, "response_format") is { } format && IsInline(JsonInput.String(format, at["response_format"]), at["response_format"]),
            JsonInput.Find(root, "user") is { } user && JsonInput.String(user, at["user"], 0, 1024) is { Length: > 0 } name ? name : null,
            [.. Wish(root, at)]);
    }

    private static bool IsInline(string format, JsonPlace at) => format switch
    {
        "url" => false,
        "b64_json" => true,
        _ => throw at.Wrong($"Invalid value for '{at}': expected \"url\" or \"b64_json\"."),
    };

    private static IEnumerable<(string Name, string Value)> Wish(JsonElement root, JsonPlace at)
    {
        foreach (var name in WishNames)
        {
            if (JsonInput.Find(root, name) is not { } value) continue;
            var wish = JsonInput.String(value, at[name], 1, MaxWish);
            if (wish.Any(char.IsControl)) throw at[name].Wrong($"Invalid '{name}': expected a word or two.");
            if (wish != "auto") yield return (name, wish);
        }
    }
}
