using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Models;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Surfaces.Images;

/// <summary><c>POST /v1/images/generations</c>: sends the prompt to a bot, in one turn for each image, and extracts the images from the replies.</summary>
internal sealed class ImagesApi(
    GatewayOptions options, Readiness readiness, IFleetView fleet, ImageTurns turns, TimeProvider time)
{
    private static readonly TurnHeaders NoHeaders = new(null, null, false);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapTenant(
        "POST", "/v1/images/generations", static context => context.RequestServices.GetRequiredService<ImagesApi>().Generate(context),
        "Images", "createImage", "Asks a bot to draw images.", static operation =>
        {
            operation.Parameters = [Schemas.UpstreamAuthorization()];
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", Schemas.ImageRequest()) };
            operation.Responses!.Add("200", Schemas.Json("The images.", Schemas.Images()));
        });

    private async Task Generate(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var request = await JsonBody.Read(context, options.MaxBodyBytes, ImageRequest.Read);
        info.PromptLength = request.Prompt.Length;
        var model = fleet.RequireModel(RequestInfo.KeyOf(context), request.Model);
        fleet.RequireTask(model, ModelTask.Chat);
        request = request with { Model = model.Id };
        info.Model = model.Id;
        var headers = NoHeaders with { Credential = UpstreamAuthorization.Read(context, fleet, model) };

        var replies = await CollectSuccesses(Enumerable.Range(0, request.Count).Select(_ => RunTurn(context, request, headers)));
        if (context.RequestAborted.IsCancellationRequested) return;
        info.TurnId = replies[0].TurnId;
        context.Response.Headers["x-turn-id"] = replies[0].TurnId;

        // A bot may draw several images in one turn. They make up for turns that failed, but the client gets no more images than it asked for.
        var found = replies.SelectMany(reply => reply.Urls.Select(url => (Url: url, reply.Text))).Take(request.Count);
        var addresses = ReplyAddresses.Of(context);
        var images = await CollectSuccesses(
            found.Select(image => CreateImage(image.Url, image.Text, request.Inline, addresses, context.RequestAborted)));
        await JsonBody.Write(context, (time.GetUtcNow().ToUnixTimeSeconds(), images, replies), ImagesJson.Write);
    }

    /// <summary>Runs one turn.</summary>
    /// <exception cref="ClusterException">The turn failed, or its reply has no image.</exception>
    private async Task<ImageReply> RunTurn(HttpContext context, ImageRequest request, TurnHeaders headers)
    {
        var prompt = request.BuildPrompt();
        var chat = new ChatRequest
        {
            Model = request.Model, Messages = [new ChatMessage(ChatRole.User, [new TextContent(prompt)])], Uploads = [], User = request.User,
            PromptLength = prompt.Length, Fingerprint = "",
        };
        return await turns.Run(context, chat, headers);
    }

    private async Task<ImageResult> CreateImage(string url, string? text, bool inline, ReplyAddresses addresses, CancellationToken cancellationToken)
    {
        if (inline) return new ImageResult(null, await turns.Load(url, addresses, cancellationToken), text);
        if (url.StartsWith("data:", StringComparison.OrdinalIgnoreCase)) ImageTurns.Decode(url);
        return new ImageResult(url, null, text);
    }

    /// <summary>Waits for all tasks.</summary>
    /// <returns>The results of those that succeeded.</returns>
    /// <exception cref="Exception">No task succeeded. It is the exception of the first one.</exception>
    private static async Task<IReadOnlyList<T>> CollectSuccesses<T>(IEnumerable<Task<T>> tasks)
    {
        var all = tasks.ToArray();
        await Task.WhenAll(all).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        var results = all.Where(task => task.IsCompletedSuccessfully).Select(task => task.Result).ToList();
        return results.Count > 0 ? results : [await all[0]];
    }
}

/// <summary>One image of the response. Either <paramref name="Url"/> or <paramref name="Content"/> is set.</summary>
/// <param name="Url">The image's URL.</param>
/// <param name="Content">The image's bytes.</param>
/// <param name="RevisedPrompt">The text of the bot's reply.</param>
internal sealed record ImageResult(string? Url, ReadOnlyMemory<byte>? Content, string? RevisedPrompt);

/// <summary>Writes a response in the format of OpenAI's images API.</summary>
internal static class ImagesJson
{
    public static void Write(Utf8JsonWriter writer, (long Created, IReadOnlyList<ImageResult> Images, IReadOnlyList<ImageReply> Replies) response)
    {
        writer.WriteStartObject();
        writer.WriteNumber("created"u8, response.Created);
        writer.WriteStartArray("data"u8);
        foreach (var image in response.Images)
        {
            writer.WriteStartObject();
            if (image.Content is { } content) writer.WriteBase64String("b64_json"u8, content.Span);
            else writer.WriteString("url"u8, image.Url);
            if (image.RevisedPrompt is { } revised) writer.WriteString("revised_prompt"u8, revised);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        if (response.Replies.Any(reply => reply.Usage is not null))
        {
            writer.WriteStartObject("usage"u8);
            writer.WriteNumber("input_tokens"u8, response.Replies.Sum(reply => reply.Usage?.InputTokens ?? 0));
            writer.WriteNumber("output_tokens"u8, response.Replies.Sum(reply => reply.Usage?.OutputTokens ?? 0));
            writer.WriteNumber("total_tokens"u8, response.Replies.Sum(reply => reply.Usage?.TotalTokens ?? 0));
            writer.WriteEndObject();
        }
        writer.WriteStartObject("cozecluster"u8);
        writer.WriteStartArray("turns"u8);
        foreach (var reply in response.Replies) writer.WriteStringValue(reply.TurnId);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
