using System.Diagnostics;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>Starts turns, and cleans up when their start fails or their client disconnects.</summary>
internal sealed partial class TurnStarter(
    IGrainFactory grains, IFleetView fleet, IBlobStore blobs, ReplyReaderServices readers, RunningReplies running, GatewayOptions options, Readiness readiness,
    GatewayMetrics metrics, TimeProvider time, ILogger<TurnStarter> logger)
{
    private static readonly TimeSpan CleanUpTimeout = TimeSpan.FromSeconds(10);

    private readonly ShortCache<string, bool> _tenantsAtLimit = new(time);

    /// <summary>Starts a turn.</summary>
    /// <param name="key">The API key of the request. If it is revoked, the reply ends with an error.</param>
    /// <param name="request">The prompt. Its media is stored first.</param>
    /// <param name="headers">The settings of the turn.</param>
    /// <param name="aborted">Cancelled when the client disconnects.</param>
    /// <returns>The turn. The caller must dispose it.</returns>
    /// <exception cref="ClusterException">The tenant is at a limit, or the conversation rejects the turn.</exception>
    public async ValueTask<StartedTurn> Start(RequestKey key, ChatRequest request, TurnHeaders headers, CancellationToken aborted)
    {
        try
        {
            return await StartOnce(key, request, headers, aborted);
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound && request.WaitingTurnId is not null)
        {
            // The calls and their results are in the messages, and a language model needs nothing else.
            var isComplete = request.Messages.Any(message => message.ToolCalls.Count > 0) && fleet.HasLanguageModel(key.TenantId, request.Model);
            if (!isComplete) throw UnknownCallError(exception);
            return await StartOnce(key, request with { WaitingTurnId = null, ToolOutputs = [] }, headers, aborted);
        }
    }

    private async ValueTask<StartedTurn> StartOnce(RequestKey key, ChatRequest request, TurnHeaders headers, CancellationToken aborted)
    {
        // Surfaces have their own ways to find a model, and none may lead around the rights of the key.
        if (!key.Allows(request.Model))
            throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{request.Model}' does not exist or you do not have access to it.", "model");
        var startedAt = time.GetTimestamp();
        var turn = CreateTurn(key, request, headers);
        var conversation = ConversationOf(turn.TurnId);
        var reader = new ReplyReader(readers, key.TenantId, turn.TurnId, conversation, Cursor.Start, aborted);
        IDisposable? registration = null;
        try
        {
            registration = running.Add(key, reader);
            if (key.ShowBot) key.FindSource = () => reader.Source;
            await Begin(key, reader, turn, request);
        }
        catch
        {
            registration?.Dispose();
            reader.Dispose();
            throw;
        }
        return new StartedTurn(
            turn.TurnId, reader, registration, () => CleanUpAfterDisconnect(conversation, reader, turn, headers), () => metrics.EndTurn(reader, startedAt));
    }

    /// <summary>Waits up to ten seconds for a clean-up call. A failure is logged and does not affect the client.</summary>
    public async Task IgnoreFailures(string turnId, Task call)
    {
        try
        {
            await call.WaitAsync(CleanUpTimeout, time, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogCleanUpFailed(exception, turnId);
        }
    }

    private TurnRequest CreateTurn(RequestKey key, ChatRequest request, TurnHeaders headers) => new()
    {
        TurnId = CreateTurnId(key.TenantId, request, headers),
        TenantId = key.TenantId,
        KeyName = key.Name,
        Model = request.Model,
        Messages = request.Messages,
        ConversationName = headers.ConversationName,
        User = request.User,
        ToolOutputs = request.ToolOutputs,
        Settings = request.Settings,
        Variables = request.Variables,
        Metadata = request.Metadata,
        Channel = request.Channel,
        Survive = headers.Survive,
        Credential = headers.Credential,
        Fingerprint = headers.IdempotencyKey is null ? null : request.Fingerprint,
        // Every request has an activity, also while nothing is traced.
        TraceParent = RequestSpans.IsTraced ? Activity.Current?.Id : null,
    };

    private string CreateTurnId(string tenantId, ChatRequest request, TurnHeaders headers)
    {
        var (ids, name) = (fleet.Ids, headers.ConversationName);
        if (request.WaitingTurnId is not { } waiting)
            return headers.IdempotencyKey is { } key ? ids.TurnOfKey(tenantId, name, key) : ids.NewTurn(tenantId, name);
        // The id of the call is whatever the client has written.
        if (!ids.TryGetConversation(tenantId, waiting, out var conversation)) throw new ClusterException(ErrorCode.NotFound, "The turn does not exist.");
        if (name is not null && conversation != ids.KeyOf(tenantId, name))
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest,
                "The tool results at the end of 'messages' answer calls of another conversation. Omit 'conversation_id' or send the right one.",
                "conversation_id");
        }
        return headers.IdempotencyKey is { } idempotencyKey
            ? ids.TurnOfKeyAfter(tenantId, waiting, idempotencyKey)
            : ids.NewTurnAfter(tenantId, waiting);
    }

    private static ClusterException UnknownCallError(Exception cause) => new(
        ErrorCode.InvalidRequest,
        "The tool results at the end of 'messages' answer calls of a reply that is unknown or has expired. Send the prompt again without them.",
        "messages", inner: cause);

    private async ValueTask Begin(RequestKey key, ReplyReader reader, TurnRequest turn, ChatRequest request)
    {
        // Usually the conversation asks the tenant for admission, while it looks for a bot. The gateway asks first where a refusal would waste work:
        // if media would be stored, or if the tenant was at its limit within the last second, so that retries do not activate conversations for nothing.
        var askFirst = request.Uploads.Count > 0 || _tenantsAtLimit.TryGet(turn.TenantId, out _);
        if (askFirst && !await Exists(turn) && await Admit(key, turn) is { } refusal) throw refusal.ToException();
        try
        {
            foreach (var upload in request.Uploads)
            {
                var blob = await blobs.Put(turn.TenantId, upload.Media.Name, upload.Media.ContentType, upload.Media.Bytes, CancellationToken.None);
                upload.Parts[upload.Index] = upload.CreatePart(new MediaSource(null, blob));
            }
            await Begin(key, reader, turn);
        }
        catch (Exception exception)
        {
            if (exception is ClusterException { Code: ErrorCode.RateLimited }) _tenantsAtLimit.Set(turn.TenantId, true);
            await CleanUpFailedStart(turn, exception);
            throw;
        }
    }

    /// <summary>
    /// Starts the turn at its conversation. A new conversation without an idempotency key is known to no other client, so this call is marked as its first
    /// one. The method is not async, because the mark must be removed before anything else is called.
    /// </summary>
    private static Task Begin(RequestKey key, ReplyReader reader, TurnRequest turn)
    {
        var isFirstCall = turn.Fingerprint is null && TurnId.BeginsConversation(turn.TurnId);
        if (!isFirstCall || !TurnId.TryGetConversation(turn.TurnId, out var conversation)) return Begin();
        using (FirstCall.To(conversation)) return Begin();

        Task Begin() => key.IsLimited ? Finish(key, reader.Start(turn)) : reader.Begin(turn);
    }

    private static async Task Finish(RequestKey key, Task<TurnStart> starting)
    {
        var start = await starting;
        key.Rates = start.Rates ?? key.Rates;
        if (start.Refusal is { } refusal) throw refusal.ToException();
    }

    private async Task<Error?> Admit(RequestKey key, TurnRequest turn)
    {
        if (!key.IsLimited) return await TenantOf(turn).Admit(turn.TurnId);
        var admission = await TenantOf(turn).AdmitWithin(TurnTerms.Of(turn, fleet.HasLanguageModel(turn.TenantId, turn.Model)));
        key.Rates = admission.Rates;
        return admission.Refusal;
    }

    private async ValueTask CleanUpFailedStart(TurnRequest turn, Exception exception)
    {
        // The turn with this id belongs to another request.
        if (exception is ClusterException { Code: ErrorCode.IdempotencyMismatch }) return;

        // After one of these errors it is unknown whether the conversation started the turn. A client with an idempotency key will repeat its request.
        var isRejected = exception is ClusterException { Code: not (ErrorCode.CallRejected or ErrorCode.StateConflict or ErrorCode.Internal) };
        if (!isRejected && turn.Fingerprint is not null) return;
        if (!isRejected) await IgnoreFailures(turn.TurnId, ConversationOf(turn.TurnId).Cancel(turn.TenantId, turn.TurnId));
        await IgnoreFailures(turn.TurnId, TenantOf(turn).Settle(turn.TurnId, null));
    }

    /// <summary>
    /// Cancels a turn whose client disconnected, or only unsubscribes from it if a client may still want its reply: if the turn was asked to survive, if it can
    /// be found again under its idempotency key, or if this node stops and the client may continue on another one. The conversation itself cancels a turn that
    /// has no subscriber for some time.
    /// </summary>
    private Task CleanUpAfterDisconnect(IConversationGrain conversation, ReplyReader reader, TurnRequest turn, TurnHeaders headers)
    {
        var mayBeWanted = headers.Survive || headers.IdempotencyKey is not null || (options.OtherNodesServeTurns && readiness.IsDraining);
        return IgnoreFailures(turn.TurnId, mayBeWanted ? reader.Unsubscribe() : conversation.Cancel(turn.TenantId, turn.TurnId));
    }

    /// <summary>Whether the idempotency key was used before. Its turn is admitted already, and must not be admitted again.</summary>
    private async ValueTask<bool> Exists(TurnRequest turn)
    {
        if (turn.Fingerprint is null) return false;
        try
        {
            await ConversationOf(turn.TurnId).GetTurn(turn.TenantId, turn.TurnId);
            return true;
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            return false;
        }
    }

    private IConversationGrain ConversationOf(string turnId) => TurnId.TryGetConversation(turnId, out var key)
        ? grains.Grain<IConversationGrain>(key)
        : throw new ArgumentException("Not a turn id.", nameof(turnId));

    private ITenantGrain TenantOf(TurnRequest turn) => grains.Grain<ITenantGrain>(turn.TenantId);

    [LoggerMessage(30, LogLevel.Warning, "The clean-up of turn {TurnId} failed after its client disconnected or its start failed")]
    private partial void LogCleanUpFailed(Exception exception, string turnId);
}

/// <summary>A turn that was started for a client. Disposing it before the client has received the end of the reply cleans the turn up.</summary>
/// <param name="id">The id of the turn.</param>
/// <param name="reader">Reads the reply.</param>
/// <param name="registration">The registration of the reader under its key.</param>
/// <param name="cleanUp">Cancels the turn, or unsubscribes from it.</param>
/// <param name="onWhole">Called if the client has received the whole reply.</param>
internal sealed class StartedTurn(string id, ReplyReader reader, IDisposable registration, Func<Task> cleanUp, Action onWhole) : IAsyncDisposable
{
    public string Id => id;

    public ReplyReader Reader => reader;

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (reader.HasWholeReply) onWhole();
            else await cleanUp();
        }
        finally
        {
            registration.Dispose();
            reader.Dispose();
        }
    }
}
