using System.Globalization;
using System.Text;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>The routes of the Bridge about itself and its bots: the root, <c>Ping</c>, the state of bots and accounts, keep-alive.</summary>
internal sealed class CdbInfoApi(
    CdbRequests requests, CdbConversations conversations, Readiness readiness, IFleetView fleet, IGrainFactory grains, TurnStarter turns, TimeProvider time)
{
    /// <summary>The largest number of bots to which one request sends a keep-alive message.</summary>
    private const int MaxKeepalives = 20;

    private readonly ShortCache<string, IReadOnlyDictionary<(HealthKind, string), HealthState>> _health = new(time);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapBridge("/", static context => Api(context).Greet(context), new CdbRoute());
        routes.MapBridge("/Ping", static context => CdbJson.Answer(context, "Pong!"), new CdbRoute());
        routes.MapBridge("/robots.txt", ForbidRobots, new CdbRoute());
        routes.MapBridge("/api/IsBotOnline", static context => Api(context).IsOnline(context), new CdbRoute("获取失败:"));
        routes.MapBridge("/api/Keepalive", static context => Api(context).KeepAlive(context), new CdbRoute());
        routes.MapBridge("/api/protocol/GetLoginCount", static context => Api(context).CountAccounts(context), new CdbRoute("获取失败:"));
        routes.MapBridge("/api/discord/GetUserInfo", static context => Api(context).ReadBot(context), new CdbRoute("获取信息失败:"));
        routes.MapBridge("/api/discord/ReLogin", static context => Api(context).LogIn(context), new CdbRoute("重新登录失败:", HasStatus: true));
        routes.MapBridge("/api/discord/GetChannels", static context => Api(context).ListChannels(context), new CdbRoute("获取信息失败:"));
    }

    private static CdbInfoApi Api(HttpContext context) => context.RequestServices.GetRequiredService<CdbInfoApi>();

    private Task Greet(HttpContext context) => CdbJson.Answer(context, "这里是Coze-Discord-Bridge的根节点~", writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("now"u8, time.GetUtcNow().ToUnixTimeSeconds());
        writer.WriteEndObject();
    });

    private static Task ForbidRobots(HttpContext context)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes("User-agent: *\nDisallow: /\n"), context.RequestAborted).AsTask();
    }

    private async Task IsOnline(HttpContext context)
    {
        var (model, health) = (await ReadModel(context), await ReadHealth());
        var isOnline = model.Bots.Any(bot => IsUp(health, bot));
        await CdbJson.Answer(context, "获取成功", writer => CdbJson.WriteStatus(writer, isOnline));
    }

    private async Task CountAccounts(HttpContext context)
    {
        var (model, health) = (await ReadModel(context), await ReadHealth());
        var count = model.Bots.SelectMany(AccountsOf).Distinct().Count(account => IsUp(health, HealthKind.Account, account));
        await CdbJson.Answer(context, "获取成功", writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("count"u8, count);
            writer.WriteEndObject();
        });
    }

    /// <summary>The Bridge described its own bot, which it was logged in with. This describes the bot that answers.</summary>
    private async Task ReadBot(HttpContext context)
    {
        var (model, health) = (await ReadModel(context), await ReadHealth());
        var bot = model.Bots[0];
        await CdbJson.Answer(context, "获取成功", writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, fleet.FindBot(bot)?.UpstreamBotId);
            writer.WriteString("name"u8, bot);
            writer.WriteString("status"u8, IsUp(health, bot) ? "online"u8 : "offline"u8);
            writer.WriteEndObject();
        });
    }

    /// <summary>Nothing is logged in by hand here: connections that are lost restore themselves.</summary>
    private async Task LogIn(HttpContext context)
    {
        await requests.Read(context, static _ => true);
        await CdbJson.Answer(context, "无需重新登录:连接会自动恢复", static writer => CdbJson.WriteStatus(writer, true));
    }

    /// <summary>The channels of the Bridge were its conversations. Other channels of the server are not listed.</summary>
    private async Task ListChannels(HttpContext context)
    {
        await requests.Read(context, static _ => true);
        var all = await conversations.Of(context).List();
        await CdbJson.Answer(context, "获取信息成功", writer =>
        {
            writer.WriteStartArray();
            writer.WriteStartObject();
            writer.WriteString("name"u8, "default"u8);
            writer.WriteStartArray("channels"u8);
            foreach (var conversation in all)
            {
                writer.WriteStartObject();
                writer.WriteNumber("id"u8, long.Parse(conversation.Id, CultureInfo.InvariantCulture));
                writer.WriteString("name"u8, conversation.Name);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
        });
    }

    /// <summary>Sends a message to each bot that was not used for some time, and does not wait for the replies.</summary>
    private async Task KeepAlive(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var model = await ReadModel(context);
        var options = new CdbOptions(context);
        var idleSince = time.GetUtcNow() - options.KeepaliveAfter;
        foreach (var bot in model.Bots.Take(MaxKeepalives))
        {
            var last = await grains.Grain<ITurnLogGrain>(GrainKeys.TurnLog).Search(new TurnQuery { BotId = bot, Limit = 1 });
            if (last is [{ CreatedAt: var usedAt }] && usedAt > idleSince) continue;
            var name = model.Bots.Count == 1 ? options.KeepaliveConversation : $"{options.KeepaliveConversation} {bot}";
            var conversation = await conversations.FindOrCreate(context, name);
            // The id of a bot is also the name of a model with that bot alone.
            var chat = FlatPrompt.Create(bot, options.KeepaliveMessage);
            await using var turn = await turns.Start(
                RequestInfo.KeyOf(context), chat, new TurnHeaders(conversation.ConversationName, null, Survive: true), context.RequestAborted);
        }
        await CdbJson.Answer(context, "keepalive执行成功");
    }

    private async ValueTask<ModelDefinition> ReadModel(HttpContext context)
    {
        await requests.Read(context, static _ => true);
        return new CdbOptions(context).FindModel(fleet, RequestInfo.TenantIdOf(context));
    }

    private async ValueTask<IReadOnlyDictionary<(HealthKind, string), HealthState>> ReadHealth()
    {
        if (_health.TryGet("", out var known)) return known;
        var entries = await grains.Grain<IHealthGrain>(GrainKeys.Health).List();
        known = entries.ToDictionary(entry => (entry.Kind, entry.Id), entry => entry.State);
        _health.Set("", known);
        return known;
    }

    private bool IsUp(IReadOnlyDictionary<(HealthKind, string), HealthState> health, string bot) =>
        IsUp(health, HealthKind.Bot, bot) && AccountsOf(bot).Any(account => IsUp(health, HealthKind.Account, account));

    /// <summary>Whether something takes turns as far as is known. What was not used yet is thought to.</summary>
    private static bool IsUp(IReadOnlyDictionary<(HealthKind, string), HealthState> health, HealthKind kind, string id) =>
        health.GetValueOrDefault((kind, id)) is HealthState.Unknown or HealthState.Ok or HealthState.Connecting;

    private IReadOnlyList<string> AccountsOf(string bot) => fleet.FindBot(bot)?.Accounts ?? [];
}

/// <summary>Adds the API of Coze-Discord-Bridge to the gateway.</summary>
internal static class CdbServices
{
    private static readonly string[] Methods = ["GET", "POST"];

    public static IServiceCollection AddCdb(this IServiceCollection services) => services
        .AddSingleton<CdbRequests>().AddSingleton<CdbConversations>()
        .AddSingleton<CdbConversationsApi>().AddSingleton<CdbChatApi>().AddSingleton<CdbOpenAiApi>().AddSingleton<CdbInfoApi>()
        .AddKeyedSingleton<IErrorShape, CdbErrors>(CompatMode.Cdb);

    public static void MapCdb(this WebApplication app)
    {
        app.Use(AnswerOptions);
        CdbInfoApi.Map(app);
        CdbConversationsApi.Map(app);
        CdbChatApi.Map(app);
        CdbOpenAiApi.Map(app);
    }

    /// <summary>Maps a route of the Bridge. Its handler authenticates requests itself, because the key may be a parameter.</summary>
    public static void MapBridge(this IEndpointRouteBuilder routes, string pattern, RequestDelegate handler, CdbRoute route) =>
        routes.MapMethods(pattern, Methods, handler).WithMetadata(new CompatRoute(CompatMode.Cdb), route);

    /// <summary>
    /// Answers OPTIONS for every path, as the Bridge did. A route for every path would hide the routes of other modes, whose answers to other methods than
    /// theirs are 405.
    /// </summary>
    private static Task AnswerOptions(HttpContext context, RequestDelegate next)
    {
        if (!HttpMethods.IsOptions(context.Request.Method) || CompatRequest.Of(context)?.Mode != CompatMode.Cdb) return next(context);
        context.Response.Headers.AccessControlAllowMethods = "GET, OPTIONS, POST";
        context.Response.Headers.AccessControlAllowHeaders = "*";
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }
}
