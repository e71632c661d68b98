using System.Runtime.InteropServices;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// An exchange whose stream was lost. Polls the status of the chat until the chat has ended, then reads all of its messages. There is nothing to read while the
/// chat runs, but <see cref="WaitToRead"/> returns after each poll, so that the reader sees progress.
/// </summary>
internal sealed class CozePollingExchange : IExchange
{
    private readonly UpstreamTurn _turn;
    private readonly CozeClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CozeIds _ids;
    private readonly string _chatId;
    private readonly string _query;

    private TimeSpan _pause = CozeLimits.FirstPollPause;
    private DateTimeOffset _nextPoll;
    private int _failures;
    private int _pollsWithoutAnswer;
    private JsonElement _chat;
    private List<JsonElement> _messages = [];
    private CozeReply _reply;

    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamNotFound"/>: the handle does not identify a chat.</exception>
    public CozePollingExchange(UpstreamTurn turn, UpstreamHandle handle, CozeClient client, TimeProvider time, ILogger logger)
    {
        if (!CozeIds.TryGetChat(handle.Ids, out var conversationId, out _chatId))
        {
            throw new ClusterException(
                ErrorCode.UpstreamNotFound, "The prompt was sent to Coze, but the reply cannot be read again: the ids of its chat are unknown.");
        }
        (_turn, _client, _time, _logger) = (turn, client, time, logger);
        _ids = new CozeIds(turn, handle);
        _reply = new CozeReply(_ids);
        _query = CozeRequest.ChatQuery(conversationId, _chatId);
        _logger.PollingStarted(turn.TurnId, _chatId);
    }

    /// <inheritdoc />
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_reply.HasEnded) return false;
        while (true)
        {
            await WaitForNextPoll(cancellationToken).ConfigureAwait(false);
            try
            {
                await Poll(cancellationToken).ConfigureAwait(false);
                _failures = 0;
                return true;
            }
            catch (ClusterException e) when (IsTransient(e.Code) && ++_failures < CozeLimits.MaxPollFailures)
            {
                _logger.PollFailed(_turn.TurnId, _chatId, e.Code);
                if (e.Until is { } until) _nextPoll = Max(_nextPoll, Min(until, _time.GetUtcNow() + CozeLimits.MaxRetryAfter));
            }
            catch (ClusterException e) when (!IsTransient(e.Code))
            {
                // Whatever Coze refuses here, the client did not ask for it. The chat may have run, so its prompt is not sent again.
                throw new ClusterException(
                    ErrorCode.UpstreamOutcomeUnknown, $"The connection to Coze was lost, and the reply could not be read again. {e.Message}", inner: e);
            }
        }
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        if (_reply.HasEnded) return;
        if (_chat.ValueKind != JsonValueKind.Undefined)
        {
            foreach (var json in _messages)
            {
                if (CozeMessage.TryRead(JsonMarshal.GetRawUtf8Value(json), out var message)) _reply.OnMessageCompleted(message, sink);
            }
            if (IsComplete(sink)) _reply.OnChat(_chat, eventStatus: null, sink);
            _chat = default;
        }
        if (_reply.Failure is { } failed) _logger.ReplyFailed(_turn.TurnId, failed.Code, _chatId, _reply.LogId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async ValueTask WaitForNextPoll(CancellationToken cancellationToken)
    {
        var wait = _nextPoll - _time.GetUtcNow();
        if (wait > TimeSpan.Zero) await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        _nextPoll = _time.GetUtcNow() + _pause;
        _pause = _pause * 1.5 < CozeLimits.MaxPollPause ? _pause * 1.5 : CozeLimits.MaxPollPause;
    }

    private async Task Poll(CancellationToken cancellationToken)
    {
        var answer = await _client.Read(_turn.Account, "/v3/chat/retrieve" + _query, cancellationToken).ConfigureAwait(false);
        var chat = answer.GetMember("data"u8);
        if (chat.ValueKind != JsonValueKind.Object)
            throw new ClusterException(ErrorCode.UpstreamProtocol, "Coze did not return the chat when it was asked for its status.");
        var status = CozeChatStatuses.Parse(chat.GetText("status"u8));
        // Coze may not have processed the submitted outputs yet.
        if (status == CozeChatStatus.RequiresAction && WaitsForSubmittedOutputs(chat)) return;
        if (status is CozeChatStatus.Completed or CozeChatStatus.RequiresAction)
        {
            answer = await _client.Read(_turn.Account, "/v3/chat/message/list" + _query, cancellationToken).ConfigureAwait(false);
            var list = answer.GetMember("data"u8);
            if (list.ValueKind != JsonValueKind.Array)
                throw new ClusterException(ErrorCode.UpstreamProtocol, "Coze did not return the messages of the chat when it was asked for them.");
            _messages = SkipEarlierTurns(SortOldestFirst([.. list.GetItems()]));
        }
        _chat = chat;
    }

    // Coze's message list may lag behind the status of the chat. Without what is missing in it, a part of the reply would look like the whole.
    private bool IsComplete(IReplySink sink)
    {
        var status = CozeChatStatuses.Parse(_chat.GetText("status"u8));
        if (status is not (CozeChatStatus.Completed or CozeChatStatus.RequiresAction)) return true;
        var lacksText = sink.HasOpenText;
        if (!lacksText && (status == CozeChatStatus.RequiresAction || _reply.HasAnswer)) return true;
        if (_pollsWithoutAnswer++ < CozeLimits.MaxPollsForAnswer)
        {
            // The next poll reads all messages again. Those without ids get the same substitutes.
            _reply = new CozeReply(_ids);
            return false;
        }
        if (!lacksText && _messages.Exists(message => message.GetText("role"u8) != "user")) return true;
        _reply.Fail(new Error(ErrorCode.UpstreamProtocol, "Coze has completed the chat, but its list of messages lacks the answer."), sink);
        return false;
    }

    private bool WaitsForSubmittedOutputs(JsonElement chat) =>
        _ids[CozeIds.Submitted]?.Split(',') is { } submitted
        && CozeItems.ReadRequiredAction(chat) is { Calls: { Count: > 0 } calls } && calls.All(call => submitted.Contains(call.Id));

    // Coze lists the oldest message first. Compatible servers may list the newest first, which the times of the messages show.
    private static List<JsonElement> SortOldestFirst(List<JsonElement> messages)
    {
        if (messages.Count > 1 && messages[0].GetNumber("created_at"u8) > messages[^1].GetNumber("created_at"u8)) messages.Reverse();
        return messages;
    }

    // The list of a chat that continued after tool outputs begins with the messages of an earlier turn.
    private List<JsonElement> SkipEarlierTurns(List<JsonElement> messages)
    {
        if (_ids[CozeIds.Submitted] is null) return messages;
        var first = _ids[CozeIds.FirstMessage] is { } id ? messages.FindIndex(message => message.GetText("id"u8) == id) : -1;
        if (first >= 0) return messages[first..];
        // The first message of this turn is unknown. The turn begins with the last group of tool outputs in the list.
        first = messages.FindLastIndex(IsToolOutput);
        while (first > 0 && IsToolOutput(messages[first - 1])) first--;
        return first < 0 ? messages : messages[first..];
    }

    private static bool IsToolOutput(JsonElement message) => message.GetText("type"u8) is "tool_output" or "tool_response";

    private static bool IsTransient(ErrorCode code) => code is ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamRateLimited or ErrorCode.UpstreamFailed
        or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamBusy or ErrorCode.UpstreamProtocol or ErrorCode.UpstreamOutcomeUnknown;

    private static DateTimeOffset Max(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static DateTimeOffset Min(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
