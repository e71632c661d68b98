using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>
/// The server of Real-Coze-API: at <c>/</c>, a POST with the history of a chat gets the reply, whole or as a stream, a WebSocket carries any number of chats,
/// and a GET shows a page that tries it. The options of the endpoint are in <see cref="RcaOptions"/>.
/// </summary>
internal sealed class RcaApi(GatewayOptions options, Readiness readiness, ReplyStreamer streamer, RcaTurns turns, RcaSockets sockets, TimeProvider time)
{
    private const string KeyProtocol = "key.";
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(30);

    public static void Map(WebApplication app)
    {
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = PingInterval, KeepAliveTimeout = PingInterval });
        var mode = new CompatRoute(CompatMode.Rca);
        app.MapMethods("/", ["POST"], static context => ApiOf(context).Answer(context)).WithMetadata(TenantRoute.Instance, mode);
        // A WebSocket of HTTP/2 begins with CONNECT.
        app.MapMethods("/", ["GET", "CONNECT"], static context => ApiOf(context).Open(context)).WithMetadata(mode);
    }

    /// <summary>
    /// The name of the WebSocket protocol that the server accepts. A browser cannot send headers with a WebSocket, so its page asks for this protocol and for
    /// <c>key.</c> with the API key. The server answers with the first one only.
    /// </summary>
    public const string Protocol = "rca";

    private static RcaApi ApiOf(HttpContext context) => context.RequestServices.GetRequiredService<RcaApi>();

    private async Task Answer(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var messages = await JsonBody.Read(context, options.MaxBodyBytes, static (root, _) => RcaMessages.Read(root, JsonFieldPath.Root), isLenient: true);
        var info = RequestInfo.Of(context);
        info.PromptLength = messages.Length;
        await using var turn = await turns.Start(context, messages, context.RequestAborted);
        RequestInfo.SetTurn(context, turn.Id);
        var addresses = ReplyAddresses.Of(context);
        if (RcaOptions.IsStream(context)) await streamer.Run(context, turn.Reader, new RcaStream(addresses, info, time));
        else await WriteWhole(context, turn.Reader, addresses);
    }

    private async Task WriteWhole(HttpContext context, ReplyReader reader, ReplyAddresses addresses)
    {
        if (await ReplyContent.ReadToEnd(reader, addresses, time, context.RequestAborted) is not { } content) return;
        if (RcaText.FindFailure(content.End) is { } error) throw error.ToException();
        await JsonBody.Write(context, content.BuildText() ?? "", static (writer, text) => RcaJson.WriteReply(writer, text, isGrowing: false));
    }

    private async Task Open(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await RcaPages.Write(context);
            return;
        }
        context.RequestServices.GetRequiredService<ApiKeys>().Authenticate(context, ReadKey(context));
        CheckOrigin(context.Request, RequestInfo.KeyOf(context).IsAnonymous);
        readiness.ThrowIfDraining();
        using var place = sockets.Enter(RequestInfo.TenantIdOf(context));
        var protocol = context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol) ? Protocol : null;
        using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
        await sockets.Serve(context, socket);
    }

    private static ReadOnlySpan<char> ReadKey(HttpContext context)
    {
        var key = ApiKeys.Read(context.Request);
        if (!key.IsEmpty) return key;
        var given = context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault(name => name.StartsWith(KeyProtocol, StringComparison.Ordinal));
        return given is null ? [] : given.AsSpan(KeyProtocol.Length);
    }

    /// <summary>Browsers apply no CORS to WebSockets: without this check, every page could open one. A page of this address itself may.</summary>
    private void CheckOrigin(HttpRequest request, bool isAnonymous)
    {
        var origin = request.Headers.Origin;
        // Any page may send a key that it knows. Without a key, it could use the address of whoever opens it.
        if (options.CorsOrigins.Count == 0 && !isAnonymous) return;
        if (StringValues.IsNullOrEmpty(origin) || options.CorsOrigins.Contains(origin.ToString())) return;
        if (Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)) return;
        throw new ClusterException(ErrorCode.PermissionDenied, "Pages of this origin may not use the API.");
    }
}

/// <summary>The options of an endpoint of Real-Coze-API. The fleet file is checked when it is read.</summary>
internal static class RcaOptions
{
    /// <summary>Whether a POST gets a stream: with the option <c>mode: stream</c>, or with <c>?stream=true</c>.</summary>
    public static bool IsStream(HttpContext context) => ModeOf(context) == "stream" || context.Request.Query["stream"].ToString() == "true";

    /// <summary>What the demo page uses: <c>http</c>, <c>stream</c> or <c>ws</c>.</summary>
    public static string ModeOf(HttpContext context) => CompatRequest.Option(context, "mode") ?? "http";

    /// <summary>The model of all requests; null: the tenant's default model.</summary>
    public static string? ModelOf(HttpContext context) => CompatRequest.Option(context, "model");
}
