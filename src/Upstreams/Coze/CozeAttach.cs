using System.Runtime.InteropServices;
using System.Text.Json;
using CozeCluster.Upstreams.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// A reply found again: asks where its chat stands until it has ended, then reads its messages. While the chat runs there is nothing to read of it, but each answer
/// lets the reader go once round, as a sign of life.
/// </summary>
internal sealed class CozeAttach : IExchange
{
    // Coze asks for a second between two looks at least.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan LongestAskedPause = TimeSpan.FromSeconds(30);
    private const int MostFailures = 5;
    private const int MostSilentLists = 2;

    private readonly UpstreamTurn _turn;
    private readonly CozeClient _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CozeIds _ids;
    private readonly CozeReply _reply;
    private readonly string _chatId;
    private readonly string _query;

    private TimeSpan _pause = FirstPause;
    private DateTimeOffset _notBefore;
    private int _failures;
    private int _silentLists;
    private JsonElement _chat;
    private List<JsonElement> _messages = [];
    private Error? _failure;

    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamNotFound"/>: the handle names no chat.</exception>
    public CozeAttach(UpstreamTurn turn, UpstreamHandle handle, CozeClient client, TimeProvider time, ILogger logger)
    {
        if (!CozeUpstream.TryGetChat(handle, out var conversationId, out _chatId))
            throw new ClusterException(ErrorCode.UpstreamNotFound, "The turn was sent to Coze, but the ids of its chat are not known.");
        (_turn, _client, _time, _logger) = (turn, client, time, logger);
        _ids = new CozeIds(turn, handle);
        _reply = new CozeReply(_ids);
        _query = $"?conversation_id={Uri.EscapeDataString(conversationId)}&chat_id={Uri.EscapeDataString(_chatId)}";
        _logger.Attaching(turn.TurnId, _chatId);
    }

    /// <inheritdoc />
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_reply.HasEnded) return false;
        while (true)
        {
            await Pause(cancellationToken).ConfigureAwait(false);
            try
            {
                await Look(cancellationToken).ConfigureAwait(false);
                _failures = 0;
                return true;
            }
            catch (ClusterException e) when (e.Code == ErrorCode.UpstreamNotFound)
            {
                _failure = e.ToError();
                return true;
            }
            catch (ClusterException e) when (IsPassing(e.Code) && ++_failures < MostFailures)
            {
                _logger.PollFailed(_turn.TurnId, _chatId, e.Code);
                if (e.Until is { } until) _notBefore = Later(_notBefore, Earlier(until, _time.GetUtcNow() + LongestAskedPause));
            }
        }
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        if (_reply.HasEnded) return;
        if (_failure is { } failure)
        {
            _reply.Fail(failure, sink);
        }
        else if (_chat.ValueKind != JsonValueKind.Undefined)
        {
            foreach (var json in _messages)
            {
                if (CozeMessage.TryRead(JsonMarshal.GetRawUtf8Value(json), out var message)) _reply.Completed(message, sink);
            }
            _reply.Chat(_chat, heard: null, sink);
        }
        if (_reply.Failure is { } failed) _logger.Failed(_turn.TurnId, failed.Code, _chatId, _reply.LogId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async ValueTask Pause(CancellationToken cancellationToken)
    {
        var wait = _notBefore - _time.GetUtcNow();
        if (wait > TimeSpan.Zero) await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        _notBefore = _time.GetUtcNow() + _pause;
        _pause = _pause * 1.5 < LongestPause ? _pause * 1.5 : LongestPause;
    }

    private async Task Look(CancellationToken cancellationToken)
    {
        var answer = await _client.Read(_turn.Account, "/v3/chat/retrieve" + _query, cancellationToken).ConfigureAwait(false);
        var chat = answer.Member("data"u8);
        if (chat.ValueKind != JsonValueKind.Object) throw new ClusterException(ErrorCode.UpstreamProtocol, "Coze told of a chat without saying where it stands.");
        var status = CozeChatStatuses.Parse(chat.Text("status"u8));
        // What was submitted may not have arrived in Coze's books yet.
        if (status == CozeChatStatus.RequiresAction && AsksForWhatWasSubmitted(chat)) return;
        if (status is CozeChatStatus.Completed or CozeChatStatus.RequiresAction)
        {
            answer = await _client.Read(_turn.Account, "/v3/chat/message/list" + _query, cancellationToken).ConfigureAwait(false);
            _messages = SinceSubmission(InOrder([.. answer.Member("data"u8).Items()]));
            // A completed chat without an answer is rare; a list that lags behind its chat would cut the reply short.
            if (status == CozeChatStatus.Completed && !_messages.Any(IsAnswer) && _silentLists++ < MostSilentLists) return;
        }
        _chat = chat;
    }

    private static bool IsAnswer(JsonElement message) => message.Text("type"u8) == "answer";

    private bool AsksForWhatWasSubmitted(JsonElement chat) =>
        _ids[CozeIds.Submitted]?.Split(',') is { } submitted && CozeItems.ToolCalls(chat).All(call => submitted.Contains(call.Id));

    // Coze lists oldest first; should a server list newest first, its times tell.
    private static List<JsonElement> InOrder(List<JsonElement> messages)
    {
        if (messages.Count > 1 && messages[0].Number("created_at"u8) > messages[^1].Number("created_at"u8)) messages.Reverse();
        return messages;
    }

    // A chat that went on after tool outputs lists the messages before them too; those belong to an earlier turn.
    private List<JsonElement> SinceSubmission(List<JsonElement> messages)
    {
        if (_ids[CozeIds.Submitted] is null) return messages;
        var first = _ids[CozeIds.FirstMessage] is { } id ? messages.FindIndex(message => message.Text("id"u8) == id) : -1;
        if (first >= 0) return messages[first..];
        // Nothing was heard of this turn: it begins with the last outputs in the list.
        first = messages.FindLastIndex(IsToolOutput);
        while (first > 0 && IsToolOutput(messages[first - 1])) first--;
        return first < 0 ? messages : messages[first..];
    }

    private static bool IsToolOutput(JsonElement message) => message.Text("type"u8) is "tool_output" or "tool_response";

    private static bool IsPassing(ErrorCode code) => code is ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamRateLimited or ErrorCode.UpstreamFailed
        or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamBusy or ErrorCode.UpstreamProtocol or ErrorCode.UpstreamOutcomeUnknown;

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}
