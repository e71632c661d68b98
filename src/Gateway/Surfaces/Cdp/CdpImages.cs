using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Images;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary><c>POST /v1/images/generations</c> of coze-discord-proxy: one turn, and all images of its reply.</summary>
internal sealed class CdpImages(GatewayOptions options, CdpTurns turns, ISafeFetcher fetcher, IBlobStore blobs, TimeProvider time)
{
    /// <summary>The maximum number of images of one reply that are returned.</summary>
    private const int MaxImages = 10;

    private const string Instruction =
        "Please adhere strictly to my instructions below for the drawing task. If I do not provide a specific directive for drawing, "
        + "create an image that corresponds to the text I have provided:\n";

    private const string NothingDrawn = "Failed to fetch image URL, please try again later.";

    public async Task Generate(HttpContext context)
    {
        var request = await CdpBody.Read(context, options.MaxBodyBytes, CdpBody.ReadImage);
        var timeout = CdpOptions.ReadTotal(context);
        var chat = new ChatRequest
        {
            Model = request.Model,
            Messages = [new ChatMessage(ChatRole.User, [new TextContent(Instruction + request.Prompt)])],
            Uploads = [], PromptLength = request.Prompt.Length, Fingerprint = request.Fingerprint,
        };
        var (started, info) = await turns.Start(context, chat, request.ChannelId);
        await using var turn = started;
        using var deadline = turns.Limit(turn.Reader, timeout);
        var addresses = ReplyAddresses.Of(context);
        if (await ReplyContent.ReadToEnd(turn.Reader, addresses, time, context.RequestAborted) is not { } content) return;

        var (urls, text) = ImageFinder.Find(content.BuildText() ?? "");
        if (urls.Count == 0 && text is null) throw new ClusterException(ErrorCode.NoImage, NothingDrawn);
        var images = new List<CdpImage>();
        foreach (var url in urls.Take(MaxImages)) images.Add(await CreateImage(url, text, request.Inline, addresses, context.RequestAborted));
        // A bot that draws nothing says why.
        if (images.Count == 0) images.Add(new CdpImage("", "", text));
        await JsonBody.Write(context, (info.Created, images, content), Write);
    }

    private async Task<CdpImage> CreateImage(string url, string? text, bool inline, ReplyAddresses addresses, CancellationToken cancellationToken)
    {
        if (!inline) return new CdpImage(url, "", text);
        if (url.StartsWith("data:", StringComparison.OrdinalIgnoreCase)) return new CdpImage(url, url, text);
        var kept = addresses.FindBlobId(url) is { } blobId ? await ReplyFiles.Open(blobs, blobId, cancellationToken) : null;
        var bytes = kept ?? (await fetcher.Fetch(url, "image/", cancellationToken)).Content;
        var type = MediaTypes.Detect(bytes.Span) is var (detected, _) ? detected : "image/webp";
        return new CdpImage(url, $"data:{type};base64,{Convert.ToBase64String(bytes.Span)}", text);
    }

    private static void Write(Utf8JsonWriter writer, (long Created, List<CdpImage> Images, ReplyContent Content) response)
    {
        writer.WriteStartObject();
        writer.WriteNumber("created"u8, response.Created);
        writer.WriteBoolean("dailyLimit"u8, false);
        writer.WriteStartArray("data"u8);
        foreach (var (url, base64, text) in response.Images)
        {
            writer.WriteStartObject();
            writer.WriteString("url"u8, url);
            writer.WriteString("revised_prompt"u8, text ?? "");
            writer.WriteString("b64_json"u8, base64);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        CdpJson.WriteSuggestions(writer, response.Content);
        writer.WriteEndObject();
    }

    /// <summary>An image of the response.</summary>
    /// <param name="Url">Its URL; empty if the bot has drawn nothing.</param>
    /// <param name="Base64">The image as a data URI; empty if the client wants the URL.</param>
    /// <param name="Text">The rest of the bot's text.</param>
    private sealed record CdpImage(string Url, string Base64, string? Text);
}
