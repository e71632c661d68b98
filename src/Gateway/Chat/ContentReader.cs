using System.Text.Json;
using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Chat;

/// <summary>Reads what a message holds: a string, or parts. Media that came as bytes is set aside for the blob store.</summary>
internal sealed class ContentReader
{
    private readonly List<Upload> _uploads = [];

    public IReadOnlyList<Upload> Uploads => _uploads;

    /// <summary>Characters of text so far.</summary>
    public int Length { get; private set; }

    /// <param name="content">A string or an array of parts.</param>
    /// <param name="at">Where it stands.</param>
    /// <param name="media">Whether this role may send more than text.</param>
    public List<ContentPart> Read(JsonElement content, JsonPlace at, bool media)
    {
        if (content.ValueKind == JsonValueKind.String) return [Text(content, at)];
        if (content.ValueKind != JsonValueKind.Array) throw at.Mistyped("a string or an array of parts", content);
        var parts = new List<ContentPart>(content.GetArrayLength());
        foreach (var part in content.EnumerateArray())
        {
            var partAt = at[parts.Count];
            JsonInput.Object(part, partAt);
            ReadPart(part, partAt, parts, media);
        }
        if (parts.Count == 0) throw at.Wrong($"Invalid '{at}': expected at least one part, but got an empty array.");
        return parts;
    }

    private void ReadPart(JsonElement part, JsonPlace at, List<ContentPart> parts, bool media)
    {
        var typeAt = at["type"];
        var type = JsonInput.String(JsonInput.Member(part, "type", at), typeAt);
        switch (type)
        {
            case "text":
                parts.Add(Text(JsonInput.Member(part, "text", at), at["text"]));
                break;
            case "refusal":
                parts.Add(Text(JsonInput.Member(part, "refusal", at), at["refusal"]));
                break;
            case "image_url" or "input_audio" or "file" or "file_url" when !media:
                throw typeAt.Wrong($"Invalid value for '{typeAt}': this role sends only text.");
            case "image_url":
                Image(JsonInput.Member(part, "image_url", at), at["image_url"], parts);
                break;
            case "input_audio":
                Audio(JsonInput.Member(part, "input_audio", at), at["input_audio"], parts);
                break;
            case "file":
                File(JsonInput.Member(part, "file", at), at["file"], parts);
                break;
            case "file_url":
                var (url, urlAt) = Address(JsonInput.Member(part, "file_url", at), at["file_url"]);
                Add(parts, url, urlAt, "file", static source => new FileContent(source));
                break;
            default:
                throw typeAt.Wrong($"Invalid value for '{typeAt}': expected \"text\", \"image_url\", \"input_audio\" or \"file\".");
        }
    }

    private TextContent Text(JsonElement text, JsonPlace at)
    {
        var value = JsonInput.String(text, at);
        Length += value.Length;
        return new TextContent(value);
    }

    private void Image(JsonElement image, JsonPlace at, List<ContentPart> parts)
    {
        if (image.ValueKind == JsonValueKind.Object && JsonInput.Find(image, "detail") is { } detail) JsonInput.String(detail, at["detail"]);
        var (url, urlAt) = Address(image, at);
        Add(parts, url, urlAt, "image", static source => new ImageContent(source), mediaType: "image/");
    }

    private void Audio(JsonElement audio, JsonPlace at, List<ContentPart> parts)
    {
        JsonInput.Object(audio, at);
        var formatAt = at["format"];
        var format = JsonInput.String(JsonInput.Member(audio, "format", at), formatAt);
        if (format is not ("wav" or "mp3" or "ogg")) throw formatAt.Wrong($"Invalid value for '{formatAt}': expected \"wav\", \"mp3\" or \"ogg\".");
        var bytes = DataUri.Base64(JsonInput.Utf8(JsonInput.Member(audio, "data", at), at["data"]), at["data"]);
        Put(parts, new Media("audio." + format, format == "mp3" ? "audio/mpeg" : "audio/" + format, bytes), static source => new AudioContent(source));
    }

    private void File(JsonElement file, JsonPlace at, List<ContentPart> parts)
    {
        JsonInput.Object(file, at);
        var name = JsonInput.Find(file, "filename") is { } filename ? JsonInput.String(filename, at["filename"], 0, 255) : null;
        if (JsonInput.Find(file, "file_data") is { } data)
        {
            var utf8 = JsonInput.Utf8(data, at["file_data"]);
            var media = DataUri.Is(utf8) ? DataUri.Read(utf8, "file", at["file_data"]) : DataUri.Bare(utf8, name, at["file_data"]);
            Put(parts, string.IsNullOrEmpty(name) ? media : media with { Name = name }, static source => new FileContent(source));
            return;
        }
        if (JsonInput.Find(file, "file_url") is { } url)
        {
            Add(parts, url, at["file_url"], "file", static source => new FileContent(source));
            return;
        }
        if (JsonInput.Find(file, "file_id") is not null)
            throw at["file_id"].Wrong($"'{at["file_id"]}' cannot be honoured: there is no file store behind this API. Send the file as 'file_data' or its address as 'file_url'.");
        throw at["file_data"].Missing();
    }

    /// <summary>The address, which clients send as <c>{"url":…}</c> or bare.</summary>
    private static (JsonElement Url, JsonPlace At) Address(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind == JsonValueKind.String) return (value, at);
        if (value.ValueKind != JsonValueKind.Object) throw at.Mistyped("an object", value);
        return (JsonInput.Member(value, "url", at), at["url"]);
    }

    private void Add(List<ContentPart> parts, JsonElement url, JsonPlace at, string name, Func<MediaSource, ContentPart> make, string mediaType = "")
    {
        var utf8 = JsonInput.Utf8(url, at);
        if (DataUri.Is(utf8))
        {
            var media = DataUri.Read(utf8, name, at);
            if (!media.ContentType.StartsWith(mediaType, StringComparison.OrdinalIgnoreCase))
                throw at.Wrong($"Invalid '{at}': expected a data URI of type {mediaType}*, but got {media.ContentType}.");
            Put(parts, media, make);
            return;
        }
        var text = JsonInput.String(url, at);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
            throw at.Wrong($"Invalid '{at}': expected an http or https URL, or a data URI with base64.");
        parts.Add(make(new MediaSource(text, null)));
    }

    private void Put(List<ContentPart> parts, Media media, Func<MediaSource, ContentPart> make)
    {
        // Stands in until the bytes have their blob.
        parts.Add(new TextContent(""));
        _uploads.Add(new Upload(parts, parts.Count - 1, media, make));
    }
}
