using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Health;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Models;
using CozeCluster.Gateway.Observing;
using CozeCluster.Gateway.OpenApi;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Images;

/// <summary><c>POST /v1/images/generations</c>: asks a bot, in a turn for each image, and takes the images out of its replies.</summary>
internal sealed class ImagesApi(
    GatewayOptions options, Readiness readiness, ModelDirectory models, TurnStarter turns, ReplyReaderServices readers, ISafeFetcher fetcher, TimeProvider time)
{
    private const int MaxQuoted = 500;
    private static readonly IReadOnlyDictionary<string, string> None = new Dictionary<string, string>();
    private static readonly TurnHeaders Headers = new(null, null, false);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapTenant(
        "POST", "/v1/images/generations", static context => context.RequestServices.GetRequiredService<ImagesApi>().Generate(context),
        "Images", "createImage", "Has a bot draw.", static operation =>
        {
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = Schemas.Content("application/json", Schemas.ImageRequest()) };
            operation.Responses!.Add("200", Schemas.Json("The images.", Schemas.Images()));
        });

    private async Task Generate(HttpContext context)
    {
        readiness.ThrowIfRefusing();
        var call = Call.Of(context);
        var request = await JsonBody.Read(context, options.MaxBodyBytes, ImageRequest.Read);
        call.PromptLength = request.Prompt.Length;
        await models.Find(Call.TenantOf(context), request.Model);
        call.Model = request.Model;

        var drawings = await AsManyAsCome(Enumerable.Range(0, request.Count).Select(_ => Draw(context, request)));
        if (context.RequestAborted.IsCancellationRequested) return;
        call.TurnId = drawings[0].TurnId;
        context.Response.Headers["x-turn-id"] = drawings[0].TurnId;

        // A bot may draw several at once: the surplus of one turn stands in for another's lack, and no more are given than were asked for.
        var found = drawings.SelectMany(drawing => drawing.Urls.Select(url => (Url: url, Said: drawing.Rest))).Take(request.Count);
        var images = await AsManyAsCome(found.Select(image => Make(image.Url, image.Said, request.Inline, context.RequestAborted)));
        await JsonResponse.Write(context, (time.GetUtcNow().ToUnixTimeSeconds(), images, drawings), ImagesJson.Write);
    }

    /// <summary>Runs one turn.</summary>
    /// <exception cref="ClusterException">It failed, or brought no image.</exception>
    private async Task<Drawing> Draw(HttpContext context, ImageRequest request)
    {
        var tenant = Call.TenantOf(context);
        var told = request.Told();
        var chat = new ChatRequest
        {
            Model = request.Model, Messages = [new ChatMessage(ChatRole.User, [new TextContent(told)])], Uploads = [], User = request.User,
            Variables = None, Metadata = None, Length = told.Length, Fingerprint = "",
        };
        var turn = TurnStarter.Make(tenant, chat, Headers);
        var conversation = turns.ConversationOf(turn.TurnId);
        using var reader = new ReplyReader(readers, tenant, turn.TurnId, conversation, Cursor.Start, context.RequestAborted);
        await turns.Begin(reader, turn, chat);
        try
        {
            if (await WholeReply.Read(reader, time, context.RequestAborted) is not { } reply) return new Drawing(turn.TurnId, [], null, null);
            var (urls, rest) = ImageFinder.Find(reply.Text() ?? "");
            return urls.Count > 0 ? new Drawing(turn.TurnId, urls, rest, (reply.End as ReplyCompleted)?.Usage) : throw NoImage(rest);
        }
        finally
        {
            if (!reader.Ended) await turns.Leave(conversation, reader, turn, Headers);
        }
    }

    private async Task<DrawnImage> Make(string url, string? rest, bool inline, CancellationToken cancellationToken)
    {
        if (!inline) return new DrawnImage(url, null, rest);
        return new DrawnImage(null, DataImage.TryRead(url) ?? (await fetcher.Fetch(url, "image/", cancellationToken)).Content, rest);
    }

    /// <summary>What comes of some work: all that went well, or if nothing did, the first failure.</summary>
    private static async Task<IReadOnlyList<T>> AsManyAsCome<T>(IEnumerable<Task<T>> work)
    {
        var all = work.ToArray();
        await Task.WhenAll(all).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        var done = all.Where(task => task.IsCompletedSuccessfully).Select(task => task.Result).ToList();
        return done.Count > 0 ? done : [await all[0]];
    }

    private static ClusterException NoImage(string? said)
    {
        if (said is null) return new ClusterException(ErrorCode.NoImage, "The bot answered without an image, and said nothing.");
        var end = said.Length <= MaxQuoted ? said.Length : char.IsHighSurrogate(said[MaxQuoted - 1]) ? MaxQuoted - 1 : MaxQuoted;
        return new ClusterException(ErrorCode.NoImage, $"The bot answered without an image: {said[..end]}{(end < said.Length ? "…" : "")}");
    }
}
