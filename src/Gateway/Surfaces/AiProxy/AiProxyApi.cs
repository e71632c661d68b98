using System.Buffers;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Conversations;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>The routes of aiproxy that convert: a request in one form becomes a turn, and its reply a stream in the form of OpenAI.</summary>
internal sealed class AiProxyApi(
    GatewayOptions options, Readiness readiness, IFleetView fleet, PassThroughKeys keys, PassThroughApi passThrough, ChatApi chat, TurnStarter turns,
    ReplyStreamer streamer, TimeProvider time)
{
    private const string CozeApiModel = "coze-api";

    /// <summary><c>POST /c/v1/chat/completions</c>: by the field <c>provider</c>.</summary>
    public async Task Complete(HttpContext context)
    {
        readiness.ThrowIfDraining();
        var rules = PassThroughRules.Of(context, UpstreamNames.OpenAi);
        await keys.Authenticate(context, rules.OwnKeys);
        PassThroughApi.TakeFormsAsJson(context.Request);
        var (request, body) = await JsonBody.Read(context, options.MaxBodyBytes, Read);
        if (request is not null) await RunTurn(context, request);
        else await SendToOpenAi(context, rules, body);
    }

    /// <summary><c>POST /claude/api/openai</c> and <c>POST /gemini/openai</c>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="read">Reads its body.</param>
    public async Task Convert(HttpContext context, Func<JsonElement, AiProxyRequest> read)
    {
        readiness.ThrowIfDraining();
        await keys.Authenticate(context, allowOwn: false);
        PassThroughApi.TakeFormsAsJson(context.Request);
        await RunTurn(context, await JsonBody.Read(context, options.MaxBodyBytes, (root, _) => read(root)));
    }

    /// <returns>The request; or, if it is for OpenAI, its bytes.</returns>
    private static (AiProxyRequest? Request, byte[] Body) Read(JsonElement root, ReadOnlySequence<byte> bytes)
    {
        var provider = JsonInput.FindMember(root, "provider") is { ValueKind: JsonValueKind.String } given
            ? JsonInput.ReadString(given, JsonFieldPath.Root["provider"])
            : null;
        if (ClosedRoutes.Find(provider) is { } refusal) throw refusal;
        return provider is AiProxyRequestReader.Coze or NativeRequestReader.Claude or NativeRequestReader.Gemini
            ? (AiProxyRequestReader.Read(root, provider), [])
            : (null, bytes.ToArray());
    }

    /// <summary>Passes the request through if the endpoint does so. Otherwise it is answered as at <c>/v1/chat/completions</c>.</summary>
    private async Task SendToOpenAi(HttpContext context, PassThroughRules rules, byte[] body)
    {
        using var budget = BodyBudget.Begin(context);
        budget.Grow(body.Length);
        context.Request.Body = new MemoryStream(body);
        if (rules.IsEnabled) await passThrough.Forward(context, UpstreamNames.OpenAi, "/v1/chat/completions");
        else await chat.Complete(context, CompatRequest.Option(context, "openai_model"));
    }

    private async Task RunTurn(HttpContext context, AiProxyRequest request)
    {
        var info = RequestInfo.Of(context);
        var key = RequestInfo.KeyOf(context);
        info.PromptLength = request.PromptLength;
        var coze = request.Coze is { } given ? WithHeaders(given, context.Request.Headers) : null;
        var model = FindModel(context, key.TenantId, request, coze);
        info.Model = model.Id;
        var isApi = coze is not null && (request.Model == CozeApiModel || IsOnCoze(model));
        // A bot on Discord answers once. One of Coze's API answers in a conversation, whose id the client sends again.
        if (isApi) coze = coze! with { ConversationId = coze.ConversationId ?? Guid.NewGuid().ToString() };

        var turnRequest = new ChatRequest
        {
            Model = model.Id,
            Messages = request.Messages,
            Uploads = request.Uploads,
            ConversationName = coze?.ConversationId,
            User = coze?.User,
            PromptLength = request.PromptLength,
            Settings = fleet.HasLanguageModel(model) ? request.Settings : GenerationSettings.None,
            Fingerprint = "",
        };
        var headers = new TurnHeaders(turnRequest.ConversationName, IdempotencyKey: null, Survive: false);
        await using var turn = await turns.Start(key, turnRequest, headers, context.RequestAborted);
        info.TurnId = turn.Id;
        context.Response.Headers["x-turn-id"] = turn.Id;
        if (headers.ConversationName is { } name && ConversationNames.FitsHeader(name)) context.Response.Headers["x-conversation-id"] = name;
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        var chunk = new AiProxyChunk(
            coze?.ConversationId ?? new CompletionInfo(turn.Id, model.Id, created, null).CompletionId,
            created,
            coze is null ? request.Model ?? model.Id : isApi ? CozeApiModel : "coze-discord",
            request.Provider,
            ObjectOf(request, coze, context.Request.Headers, model));
        await streamer.Run(context, turn.Reader, new AiProxyStream(chunk, ReplyAddresses.Of(context), RequestInfo.Of(context)));
    }

    /// <summary>A bot that the request names, else its model, else the model that the endpoint has for the provider.</summary>
    private ModelDefinition FindModel(HttpContext context, string tenantId, AiProxyRequest request, CozeTurn? coze)
    {
        if (coze?.BotId is { } bot)
        {
            return fleet.FindModel(tenantId, bot) ?? throw new ClusterException(
                ErrorCode.ModelNotFound, "No model that you may use has the bot that the request names.", "coze.conversation.bot_id");
        }
        if (request.Model is { } name && fleet.FindModel(tenantId, name) is { } model) return model;
        var option = $"{request.Provider}_model";
        if (CompatRequest.Option(context, option) is { } other && fleet.FindModel(tenantId, other) is { } found) return found;
        throw new ClusterException(
            ErrorCode.ModelNotFound,
            $"There is no such model for you, and the option '{option}' of this endpoint names none. Send the id of one of your models.", "model");
    }

    /// <summary>The headers decide if all of them are there. Otherwise the body does if it has both, and then the headers.</summary>
    private static CozeTurn WithHeaders(CozeTurn body, IHeaderDictionary headers)
    {
        var (user, bot) = (Header(headers, "x-auth-id"), Header(headers, "x-bot-id"));
        var headersDecide = user is not null && bot is not null && headers.Authorization.Count > 0;
        if (!headersDecide && body is { BotId: not null, User: not null }) return body;
        return body with { BotId = bot ?? body.BotId, User = user ?? body.User };
    }

    private static string? Header(IHeaderDictionary headers, string name)
    {
        var value = headers[name].ToString();
        if (value.Length > 256) throw new ClusterException(ErrorCode.InvalidRequest, $"Invalid '{name}': expected at most 256 characters.", name);
        return value.Length == 0 ? null : value;
    }

    private bool IsOnCoze(ModelDefinition model) => fleet.FindBot(model.Bots[0])?.Upstream == "coze";

    /// <summary>The object that the client sends again to continue; null for a single answer of a bot on Discord.</summary>
    private string? ObjectOf(AiProxyRequest request, CozeTurn? coze, IHeaderDictionary headers, ModelDefinition model)
    {
        var index = Header(headers, "x-auth-id") ?? request.Index;
        var ofIndex = index is null ? "" : $",\"index\":{AiProxyStream.Quote(index)}";
        return request.Provider switch
        {
            NativeRequestReader.Claude => $$"""{"type":"api"{{ofIndex}},"conversation":null}""",
            NativeRequestReader.Gemini => $$"""{"type":"api"{{ofIndex}}}""",
            _ when coze?.ConversationId is { } conversation =>
                "{\"type\":\"api\""
                + $",\"bot_id\":{AiProxyStream.Quote(coze.BotId ?? UpstreamIdOf(model))}"
                + $",\"conversation_id\":{AiProxyStream.Quote(conversation)}"
                + $",\"user\":{AiProxyStream.Quote(coze.User ?? "")}}}",
            _ => null,
        };
    }

    private string UpstreamIdOf(ModelDefinition model) => fleet.FindBot(model.Bots[0])?.UpstreamBotId ?? "";
}
