using CozeCluster.Gateway.Health;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Observing;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Chat;

/// <summary>Begins turns, and leaves them.</summary>
internal sealed partial class TurnStarter(
    IGrainFactory grains, IBlobStore blobs, GatewayOptions options, Readiness readiness, TimeProvider time, ILogger<TurnStarter> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Tenants that have just been at their limit.
    private readonly ShortCache<string, bool> _crowded = new(time);

    /// <summary>The conversation that holds a turn.</summary>
    public IConversationGrain ConversationOf(string turnId) => TurnId.TryGetConversation(turnId, out var key)
        ? grains.Grain<IConversationGrain>(key)
        : throw new ArgumentException("Not a turn id.", nameof(turnId));

    /// <summary>Mints the turn's id and makes of the request what its conversation is asked.</summary>
    public static TurnRequest Make(string tenantId, ChatRequest request, TurnHeaders headers) => new()
    {
        TurnId = Mint(tenantId, request, headers),
        TenantId = tenantId,
        Model = request.Model,
        Messages = request.Messages,
        ConversationName = headers.ConversationName,
        User = request.User,
        ToolOutputs = request.ToolOutputs,
        Variables = request.Variables,
        Metadata = request.Metadata,
        Survive = headers.Survive,
        Fingerprint = headers.IdempotencyKey is null ? null : request.Fingerprint,
    };

    /// <summary>Stores what came with the turn and has its conversation begin it.</summary>
    /// <exception cref="ClusterException">The tenant is at a limit, or the conversation does not take the turn.</exception>
    public async ValueTask Begin(ReplyReader reader, TurnRequest turn, ChatRequest request)
    {
        // The conversation asks the tenant, while it finds a bot. To store what is refused then, or to bring conversations to life for it again and again, is too much.
        if ((request.Uploads.Count > 0 || _crowded.TryGet(turn.TenantId, out _)) && !await Exists(turn) && await Tenant(turn).Admit(turn.TurnId) is { } refusal)
            throw refusal.ToException();
        try
        {
            foreach (var upload in request.Uploads)
            {
                var blob = await blobs.Put(turn.TenantId, upload.Media.Name, upload.Media.ContentType, upload.Media.Bytes, CancellationToken.None);
                upload.Parts[upload.Index] = upload.Make(new MediaSource(null, blob));
            }
            await Begin(reader, turn);
        }
        catch (Exception exception)
        {
            if (exception is ClusterException { Code: ErrorCode.RateLimited }) _crowded.Set(turn.TenantId, true);
            await GiveBack(turn, exception);
            if (exception is ClusterException { Code: ErrorCode.NotFound } && request.WaitingTurn is not null)
                throw new ClusterException(ErrorCode.InvalidRequest, "The tool results at the end of 'messages' answer calls of a reply that is unknown or has expired.", "messages", inner: exception);
            throw;
        }
    }

    /// <summary>
    /// Without an idempotency key nobody else can know a conversation that begins with this turn, so this is its first call. Not async: the mark must be gone before
    /// anything else is called.
    /// </summary>
    private static Task Begin(ReplyReader reader, TurnRequest turn)
    {
        if (turn.Fingerprint is not null || !TurnId.BeginsConversation(turn.TurnId) || !TurnId.TryGetConversation(turn.TurnId, out var key)) return reader.Begin(turn);
        using (FirstCall.To(key)) return reader.Begin(turn);
    }

    private async ValueTask GiveBack(TurnRequest turn, Exception exception)
    {
        // Another request of the same key holds it.
        if (exception is ClusterException { Code: ErrorCode.IdempotencyMismatch }) return;

        // Whether the conversation took the turn is not known. Under an idempotency key the client asks again.
        var refused = exception is ClusterException { Code: not (ErrorCode.CallRejected or ErrorCode.StateConflict or ErrorCode.Internal) };
        if (!refused && turn.Fingerprint is not null) return;
        if (!refused) await Quietly(turn.TurnId, ConversationOf(turn.TurnId).Cancel(turn.TenantId, turn.TurnId));
        await Quietly(turn.TurnId, Tenant(turn).Settle(turn.TurnId, null));
    }

    /// <summary>
    /// The client is gone: the turn is cancelled, unless it was asked to survive, or to be found again under its idempotency key; then it only loses its observer. So it does
    /// where the client was cut off by a node that stops, and may go on at another one: the conversation itself cancels what nobody listens to for long.
    /// </summary>
    public Task Leave(IConversationGrain conversation, ReplyReader reader, TurnRequest turn, TurnHeaders headers) =>
        Quietly(turn.TurnId, headers.Survive || headers.IdempotencyKey is not null || (options.OthersGoOn && readiness.Draining) ? reader.Detach() : conversation.Cancel(turn.TenantId, turn.TurnId));

    private static string Mint(string tenantId, ChatRequest request, TurnHeaders headers)
    {
        var name = headers.ConversationName;
        if (request.WaitingTurn is { } waiting)
        {
            if (name is not null && TurnId.TryGetConversation(waiting, out var key) && key != TurnId.ConversationKey(tenantId, name))
                throw new ClusterException(ErrorCode.InvalidRequest, "The tool results at the end of 'messages' answer calls of another conversation.", "conversation_id");
            return headers.IdempotencyKey is { } given ? TurnId.FromIdempotencyKeyInConversationOf(waiting, tenantId, given) : TurnId.NewInConversationOf(waiting);
        }
        return headers.IdempotencyKey is { } idempotency ? TurnId.FromIdempotencyKey(tenantId, name, idempotency) : TurnId.New(tenantId, name);
    }

    /// <summary>Whether the idempotency key was used before: a turn that was admitted is not admitted again.</summary>
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

    private ITenantGrain Tenant(TurnRequest turn) => grains.Grain<ITenantGrain>(turn.TenantId);

    /// <summary>Waits a while for something the client need not know the outcome of.</summary>
    public async Task Quietly(string turnId, Task work)
    {
        try
        {
            await work.WaitAsync(Patience, time, CancellationToken.None);
        }
        catch (Exception exception)
        {
            NotTold(exception, turnId);
        }
    }

    [LoggerMessage(30, LogLevel.Warning, "Could not tell that turn {TurnId} has lost its client")]
    private partial void NotTold(Exception exception, string turnId);
}
