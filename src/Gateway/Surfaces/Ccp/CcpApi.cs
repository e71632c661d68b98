using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Images;
using CozeCluster.Gateway.Surfaces.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Ccp;

/// <summary>The API of coze-chat-proxy: a greeting, chat completions whose messages are joined to one text, and images.</summary>
internal sealed class CcpApi(
    GatewayOptions options, Readiness readiness, IFleetView fleet, TurnStarter turns, ImageTurns images, ReplyStreamer streamer, TimeProvider time)
{
    private static readonly TurnHeaders NoHeaders = new(null, null, false);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var mode = new CompatRoute(CompatMode.Ccp);
        RequestDelegate greet = static context => JsonBody.Write(context, 0, static (writer, _) => CcpJson.WriteGreeting(writer));
        RequestDelegate complete = static context => context.RequestServices.GetRequiredService<CcpApi>().Complete(context);
        RequestDelegate draw = static context => context.RequestServices.GetRequiredService<CcpApi>().Draw(context);
        routes.MapMethods("/", ["GET"], greet).WithMetadata(mode);
        routes.MapMethods("/v1/chat/completions", ["POST"], complete).WithMetadata(mode, TenantRoute.Instance);
        routes.MapMethods("/v1/images/generations", ["POST"], draw).WithMetadata(mode, TenantRoute.Instance);
    }

    private async Task Complete(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var limit = CcpRequest.ReadLimit(CompatRequest.Option(context, CcpRequest.LimitOption));
        var request = await JsonBody.Read(context, options.MaxBodyBytes, (root, _) => CcpRequest.Read(root, limit), isLenient: true);
        var model = FindModel(context, request.Model);
        var chat = FlatPrompt.Create(model.Id, request.Text, request.Messages);
        info.PromptLength = chat.PromptLength;

        await using var turn = await turns.Start(RequestInfo.KeyOf(context), chat, NoHeaders, context.RequestAborted);
        RequestInfo.SetTurn(context, turn.Id);
        var completion = new CompletionInfo(turn.Id, request.Model ?? model.Id, time.GetUtcNow().ToUnixTimeSeconds(), null);
        var addresses = ReplyAddresses.Of(context);
        if (request.Stream)
        {
            await streamer.Run(context, turn.Reader, new CcpStream(completion, addresses, RequestInfo.KeyOf(context).ErrorText));
            return;
        }
        if (await ReplyContent.ReadToEnd(turn.Reader, addresses, time, context.RequestAborted) is not { } content) return;
        await JsonBody.Write(context, (completion, content), static (writer, reply) => CcpJson.WriteCompletion(writer, reply.completion, reply.content));
    }

    private async Task Draw(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var info = RequestInfo.Of(context);
        var (name, prompt) = await JsonBody.Read(context, options.MaxBodyBytes, static (root, _) => CcpRequest.ReadImage(root), isLenient: true);
        var chat = FlatPrompt.Create(FindModel(context, name).Id, prompt);
        info.PromptLength = chat.PromptLength;

        var reply = await images.Run(context, chat, NoHeaders);
        if (context.RequestAborted.IsCancellationRequested) return;
        RequestInfo.SetTurn(context, reply.TurnId);
        var addresses = ReplyAddresses.Of(context);
        var drawn = await Task.WhenAll(reply.Urls.Select(url => Load(url, addresses, context.RequestAborted)));
        await JsonBody.Write(context, (time.GetUtcNow().ToUnixTimeSeconds(), drawn), static (writer, value) => CcpJson.WriteImages(writer, value));
    }

    private ModelDefinition FindModel(HttpContext context, string? name)
    {
        var tenantId = RequestInfo.TenantIdOf(context);
        var model = fleet.RequireModel(RequestInfo.KeyOf(context), name ?? fleet.FindTenant(tenantId)?.DefaultModel ?? "");
        RequestInfo.Of(context).Model = model.Id;
        return model;
    }

    /// <summary>Loads an image. One that cannot be loaded is still shown by its URL.</summary>
    private async Task<CcpImage> Load(string url, ReplyAddresses addresses, CancellationToken cancellationToken)
    {
        try
        {
            return new CcpImage(url, await images.Load(url, addresses, cancellationToken));
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.FetchFailed)
        {
            return new CcpImage(url, default);
        }
    }
}

/// <summary>An image of a response.</summary>
/// <param name="Url">Its URL.</param>
/// <param name="Content">Its bytes; empty if it could not be loaded.</param>
internal sealed record CcpImage(string Url, ReadOnlyMemory<byte> Content);

/// <summary>Adds the API of coze-chat-proxy to the gateway.</summary>
internal static class CcpServices
{
    public static IServiceCollection AddCcp(this IServiceCollection services) =>
        services.AddSingleton<CcpApi>().AddKeyedSingleton<IErrorShape, CcpErrors>(CompatMode.Ccp);

    public static void MapCcp(this IEndpointRouteBuilder routes) => CcpApi.Map(routes);
}
