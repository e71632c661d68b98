using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>
/// One WebSocket. Each message <c>{uuid, data:[…]}</c> begins a turn; its replies <c>{uuid, data}</c> have the same uuid. A failure is
/// <c>{uuid, success:false, data:{}, errmsg}</c>; its uuid is <c>main-thread</c> if that of the message could not be read. The end of the connection cancels
/// its turns.
/// </summary>
internal sealed partial class RcaConnection(RcaSockets services, HttpContext context, WebSocket socket) : IAsyncDisposable
{
    /// <summary>The maximum size of a message in bytes. A larger one ends the connection.</summary>
    public const int MaxMessageBytes = 1 << 20;

    /// <summary>The maximum number of turns that run at the same time.</summary>
    public const int MaxTurns = 16;

    private const int MaxUuidLength = 200;
    private const int BufferBytes = 16 << 10;
    private const string NoUuid = "main-thread";

    // A conversation cancels a turn whose only subscriber is silent for some time.
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxSendTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxCloseTime = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ended = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task> _turns = [];
    private bool _isStopping;

    /// <summary>Receives messages until the client closes the connection or loses it.</summary>
    public async Task Receive()
    {
        try
        {
            while (await ReceiveMessage()) { }
            await Close(WebSocketCloseStatus.NormalClosure, "");
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException)
        {
            // The connection was lost, or this side gave it up.
            socket.Abort();
        }
    }

    /// <summary>Closes the connection when its running turns have ended.</summary>
    public void CloseAfterLastTurn()
    {
        lock (_gate)
        {
            _isStopping = true;
            if (_turns.Count > 0) return;
        }
        _ = CloseForStop();
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        Task[] turns;
        lock (_gate) turns = [.. _turns.Values];
        await Task.WhenAll(turns);
        _ended.Dispose();
    }

    /// <returns>Whether there may be further messages.</returns>
    private async Task<bool> ReceiveMessage()
    {
        var budget = BodyBudget.Begin(context);
        try
        {
            var message = new ArrayBufferWriter<byte>(BufferBytes);
            while (true)
            {
                var received = await socket.ReceiveAsync(message.GetMemory(BufferBytes), CancellationToken.None);
                if (received.MessageType == WebSocketMessageType.Close) return false;
                message.Advance(received.Count);
                if (message.WrittenCount > MaxMessageBytes)
                    return await Refuse(WebSocketCloseStatus.MessageTooBig, $"A message has at most {MaxMessageBytes} bytes.");
                if (!TryGrow(budget, message.WrittenCount)) return await Refuse(WebSocketCloseStatus.PolicyViolation, "Too many large messages. Retry later.");
                if (!received.EndOfMessage) continue;
                // After this side has sent its end, nothing is answered.
                if (socket.State == WebSocketState.Open && await BeginTurn(message.WrittenMemory, budget)) budget = null;
                return true;
            }
        }
        finally
        {
            budget?.Dispose();
        }
    }

    private static bool TryGrow(BodyBudget.Reservation budget, int received)
    {
        try
        {
            budget.Grow(received);
            return true;
        }
        catch (ClusterException)
        {
            return false;
        }
    }

    /// <summary>Closes the connection because of what the client sends. The rest of it is read, so that the client receives the reason.</summary>
    private async Task<bool> Refuse(WebSocketCloseStatus status, string reason)
    {
        await Close(status, reason);
        using var timeout = new CancellationTokenSource(MaxCloseTime, services.Time);
        var rest = new byte[BufferBytes];
        while ((await socket.ReceiveAsync(rest.AsMemory(), timeout.Token)).MessageType != WebSocketMessageType.Close) { }
        return false;
    }

    /// <param name="message">The message.</param>
    /// <param name="budget">What the message takes of the budget. The turn returns it when it ends, because it keeps the message.</param>
    /// <returns>Whether the turn was begun.</returns>
    private async Task<bool> BeginTurn(ReadOnlyMemory<byte> message, BodyBudget.Reservation budget)
    {
        var uuid = NoUuid;
        try
        {
            var history = JsonBody.Parse(new ReadOnlySequence<byte>(message), (root, _) => ReadMessage(root, ref uuid), isLenient: true);
            CompatRequest.Of(context)?.CheckLimits();
            services.Readiness.ThrowIfDraining();
            CheckKey();
            lock (_gate)
            {
                if (_turns.ContainsKey(uuid)) throw new ClusterException(ErrorCode.InvalidRequest, "This uuid is being answered. Use a new one.");
                if (_turns.Count >= MaxTurns)
                    throw new ClusterException(ErrorCode.RateLimited, $"This WebSocket waits for {MaxTurns} replies already. Wait for one of them.");
                // The turn may end before it is in the list, so it takes itself out of it behind the lock.
                _turns[uuid] = Task.Run(() => RunTurn(uuid, history, budget));
                return true;
            }
        }
        catch (ClusterException exception)
        {
            await Send(RcaJson.ForSocket(uuid, exception.ToError()), null);
            return false;
        }
    }

    private static RcaMessages ReadMessage(JsonElement root, ref string uuid)
    {
        var path = JsonFieldPath.Root;
        JsonInput.CheckObject(root, path["message"]);
        uuid = JsonInput.ReadString(JsonInput.GetMember(root, "uuid", path), path["uuid"], 1, MaxUuidLength);
        return RcaMessages.Read(JsonInput.GetMember(root, "data", path), path["data"]);
    }

    /// <summary>While a WebSocket is open, its key may be revoked, expire or lose rights, and its endpoint may no longer accept everybody.</summary>
    private void CheckKey()
    {
        var key = RequestInfo.KeyOf(context);
        if (!key.IsAnonymous)
        {
            RequestInfo.Of(context).Key = services.Keys.Renew(context, key);
            return;
        }
        var endpoint = CompatRequest.Of(context)?.Endpoint;
        if (services.Fleet.Endpoints.All.Any(known => known.Id == endpoint?.Id && known.Anonymous == key.TenantId)) return;
        throw new ClusterException(ErrorCode.InvalidApiKey, "This address accepts requests with an API key only. Connect again with one.");
    }

    private async Task RunTurn(string uuid, RcaMessages history, BodyBudget.Reservation budget)
    {
        using var reserved = budget;
        try
        {
            await using var turn = await services.Turns.Start(context, history, _ended.Token);
            using var activeStream = services.Metrics.BeginStream();
            await WriteReply(uuid, turn.Reader);
        }
        catch (Exception) when (_ended.IsCancellationRequested)
        {
            // Nobody waits for the reply.
        }
        catch (Exception exception)
        {
            await ReportFailure(uuid, exception);
        }
        finally
        {
            RemoveTurn(uuid);
        }
    }

    private async Task WriteReply(string uuid, ReplyReader reader)
    {
        var text = new RcaText(ReplyAddresses.Of(context), services.Time);
        var interval = HeartbeatInterval;
        while (!reader.Ended)
        {
            var batch = await reader.Next(services.Time.FromNow(interval));
            if (_ended.IsCancellationRequested) return;
            var isIdle = batch is null;
            for (; batch is not null; batch = reader.TryTake(out var next) ? next : null) text.Add(batch);
            if (text.End is not null) break;
            var due = text.TakeDue(isIdle);
            if (due is not null) await Send(RcaJson.ForSocket(uuid, due, isGrowing: true), reader);
            // Text that is not due yet is sent soon, also if nothing else arrives.
            interval = text.HasNew ? RcaText.DueAfter : HeartbeatInterval;
        }
        var last = RcaText.FindFailure(text.End) is { } error ? RcaJson.ForSocket(uuid, error) : RcaJson.ForSocket(uuid, text.Current, isGrowing: false);
        await Send(last, reader);
    }

    private async Task ReportFailure(string uuid, Exception exception)
    {
        var error = ErrorRenderer.Of(exception);
        if (error.Code == ErrorCode.Internal) LogUnexpectedError(services.Logger, exception, RequestInfo.Of(context).RequestId);
        try
        {
            await Send(RcaJson.ForSocket(uuid, error), null);
        }
        catch (Exception lost) when (lost is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client does not receive the error, and notices the end of the connection.
            socket.Abort();
        }
    }

    private void RemoveTurn(string uuid)
    {
        lock (_gate)
        {
            _turns.Remove(uuid);
            if (!_isStopping || _turns.Count > 0) return;
        }
        _ = CloseForStop();
    }

    /// <summary>Sends a message. Gives the connection up if its client takes nothing for a minute.</summary>
    /// <param name="message">The message.</param>
    /// <param name="reader">The reader of a reply that waits meanwhile; null without one.</param>
    private async Task Send(ReadOnlyMemory<byte> message, ReplyReader? reader)
    {
        var sending = SendInTurn(message);
        for (var waited = TimeSpan.Zero; waited < MaxSendTime; waited += HeartbeatInterval)
        {
            try
            {
                await sending.WaitAsync(HeartbeatInterval, services.Time);
                return;
            }
            catch (TimeoutException)
            {
                if (reader is not null) await reader.SendHeartbeat();
            }
        }
        socket.Abort();
        await sending;
    }

    private async Task SendInTurn(ReadOnlyMemory<byte> message)
    {
        await _sending.WaitAsync(_ended.Token);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, _ended.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Sends the end of the connection. The client answers with its own, which <see cref="Receive"/> waits for.</summary>
    private async Task Close(WebSocketCloseStatus status, string reason)
    {
        await _sending.WaitAsync();
        try
        {
            if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
            using var timeout = new CancellationTokenSource(MaxCloseTime, services.Time);
            await socket.CloseOutputAsync(status, reason, timeout.Token);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task CloseForStop()
    {
        try
        {
            await Close(WebSocketCloseStatus.EndpointUnavailable, "This node is shutting down.");
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It ends anyway.
            socket.Abort();
        }
    }

    [LoggerMessage(60, LogLevel.Error, "A turn on the WebSocket of request {RequestId} failed with an unexpected error")]
    private static partial void LogUnexpectedError(ILogger logger, Exception exception, string requestId);
}
