using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>A turn that has ended, as the history that is sent to an upstream contains it.</summary>
/// <param name="Prompt">The messages that were new in it.</param>
/// <param name="Reply">The text of the reply.</param>
internal sealed record PastTurn(IReadOnlyList<ChatMessage> Prompt, string Reply)
{
    /// <summary>The turn.</summary>
    public string TurnId { get; init; } = "";

    /// <summary>The upstream that replied; null if it is not known.</summary>
    public string? Upstream { get; init; }

    /// <summary>The tool calls for the client in the reply.</summary>
    public IReadOnlyList<ToolCallItem> Calls { get; init; } = [];

    /// <summary>The reasoning of the reply; empty without any.</summary>
    public string Reasoning { get; init; } = "";
}

/// <summary>A turn whose tool calls a request answers.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Handle">The ids of its exchange; null if they are not known.</param>
/// <param name="Parts">Its reply.</param>
internal sealed record AnsweredTurn(string TurnId, UpstreamHandle? Handle, IReadOnlyList<ReplyPart> Parts)
{
    /// <summary>The upstream that replied; null if it is not known.</summary>
    public string? Upstream { get => field ?? Handle?.Upstream; init; }

    /// <summary>The tool calls for the client in the reply.</summary>
    public IEnumerable<ToolCallItem> Calls => TurnReader.CallsOf(Parts);

    /// <summary>The reasoning of the reply; empty without any.</summary>
    public string Reasoning => TurnReader.ReasoningOf(Parts);
}

/// <summary>
/// Reads turns of one conversation from the storage. A turn whose stored data cannot be understood is logged, and affects no other turn.
/// </summary>
internal sealed partial class TurnReader(IConversationStore store, string conversationKey, TimeProvider time, ConversationOptions options, ILogger logger)
{
    /// <summary>The bytes of the stored history that is sent with a prompt. Few models accept as much text.</summary>
    private const long MaxHistoryBytes = 16 * 1024 * 1024;

    /// <summary>The error of a turn whose stored data is damaged.</summary>
    public static Error Damage { get; } = new(
        ErrorCode.Internal, "The stored data of this turn is damaged and cannot be read. The log of the node names the damaged row.");

    /// <summary>Finds a turn in the storage.</summary>
    public ValueTask<StoredTurn?> Find(string turnId) => store.FindTurn(conversationKey, turnId, CancellationToken.None);

    /// <summary>Reads the last turns, oldest first.</summary>
    public ValueTask<IReadOnlyList<StoredTurn>> ReadLast(int limit, CancellationToken cancellationToken = default) =>
        store.ReadTurns(conversationKey, limit, cancellationToken);

    /// <summary>Whether a turn has ended and its reply is not stored any more. The storage deletes expired contents a little later.</summary>
    public bool HasExpired(StoredTurn stored) =>
        stored.Row.EndedAt is not null && (stored.Find(TurnContentKind.Reply) is not { } reply || reply.ExpiresAt <= time.GetUtcNow());

    /// <summary>Restores a turn that has ended.</summary>
    /// <returns>Null if its stored data is damaged.</returns>
    public LiveTurn? TryRestoreEnded(StoredTurn stored) => TryRead(stored, () =>
    {
        var details = TurnJson.Read(stored.Row.Details, TurnJson.Default.TurnDetails);
        var progress = TurnProgress.FromStored(stored, details, keepsPrompt: stored.Find(TurnContentKind.Prompt) is not null);
        progress.Prompt = ReadPrompt(stored);
        progress.Handle = ReadHandle(stored.Row);
        var end = details.End ?? throw new InvalidDataException("The turn has ended, but its details have no end.");
        var turn = new LiveTurn(progress, ReplyLog.FromStored(ReadReply(stored), progress.Rewrites, end), time);
        turn.MarkEnded();
        return turn;
    });

    /// <summary>Whether a turn belongs to a task.</summary>
    public bool IsTask(StoredTurn stored) => TryRead(stored, () => TurnJson.Read(stored.Row.Details, TurnJson.Default.TurnDetails))?.IsTask == true;

    /// <summary>Restores a turn that has not ended.</summary>
    /// <param name="stored">The turn.</param>
    /// <param name="isFirst">Whether it is the first turn of the conversation.</param>
    /// <param name="storesPrompts">Whether prompts are kept.</param>
    /// <returns>The turn. If its stored data is damaged, it can only be ended.</returns>
    public LiveTurn RestoreUnfinished(StoredTurn stored, bool isFirst, bool storesPrompts)
    {
        var turn = TryRead(stored, () =>
        {
            var details = TurnJson.Read(stored.Row.Details, TurnJson.Default.TurnDetails);
            // One that was sent has its prompt only where prompts are kept.
            var keepsPrompt = details.Sent ? stored.Find(TurnContentKind.Prompt) is not null : storesPrompts;
            var progress = TurnProgress.FromStored(stored, details, keepsPrompt, isFirst);
            if (details.Sent)
            {
                progress.Prompt = ReadPrompt(stored);
                progress.Handle = ReadHandle(stored.Row);
            }
            else
            {
                var request = stored.Find(TurnContentKind.Request) ?? throw new InvalidDataException("The turn waits, but its request is not stored.");
                progress.Request = TurnJson.Read(request.Payload, TurnJson.Default.TurnRequest);
            }
            return new LiveTurn(progress, new ReplyLog(options.MaxReplyChars, options.MaxReplyParts), time);
        });
        return turn ?? new LiveTurn(TurnProgress.FromStored(stored, new TurnDetails { Sent = true }, keepsPrompt: false), new ReplyLog(), time)
        {
            Damage = Damage,
        };
    }

    /// <summary>Restores where the next turn continues at the upstream; nothing if the row is damaged.</summary>
    public void RestoreUpstreamConversation(TurnRow lastWithHandle, ConversationMemory memory)
    {
        var read = TryRead(new StoredTurn(lastWithHandle, []), () =>
            (Handle: ReadHandle(lastWithHandle), Details: TurnJson.Read(lastWithHandle.Details, TurnJson.Default.TurnDetails)));
        (memory.UpstreamConversation, memory.InstructionsHash) = (read.Handle, read.Details?.InstructionsHash);
    }

    /// <summary>
    /// Reads the completed turns whose prompts are stored, oldest first. Of a large history only the newest turns are read, as if the others were not stored.
    /// </summary>
    /// <param name="limit">The largest number of turns.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public async ValueTask<IReadOnlyList<PastTurn>> ReadHistory(int limit, CancellationToken cancellationToken)
    {
        var history = new List<PastTurn>();
        foreach (var stored in TakeNewest(await ReadLast(limit, cancellationToken), MaxHistoryBytes))
        {
            if (stored.Row.Status != TurnStatus.Completed || stored.Find(TurnContentKind.Prompt) is null) continue;
            var past = TryRead(stored, () =>
            {
                var reply = ReadReply(stored);
                return new PastTurn(ReadPrompt(stored) ?? [], string.Join("\n\n", reply.OfType<TextPart>().Select(part => part.Text)))
                {
                    TurnId = stored.Row.TurnId,
                    Upstream = stored.Row.Upstream,
                    Calls = [.. CallsOf(reply)],
                    Reasoning = ReasoningOf(reply),
                };
            });
            if (past is not null) history.Add(past);
        }
        return history;
    }

    /// <summary>The newest turns whose contents have at most <paramref name="maxBytes"/> together, oldest first.</summary>
    internal static IEnumerable<StoredTurn> TakeNewest(IReadOnlyList<StoredTurn> turns, long maxBytes)
    {
        var first = turns.Count;
        while (first > 0 && (maxBytes -= turns[first - 1].Contents.Sum(content => (long)content.Payload.Length)) >= 0) first--;
        return turns.Skip(first);
    }

    /// <summary>Finds the turn whose tool calls a request answers.</summary>
    /// <returns>Null if there is none, or if its stored data is damaged.</returns>
    public async ValueTask<AnsweredTurn?> FindAnswered(string turnId)
    {
        if (await Find(turnId) is not { Row.EndedAt: not null } stored || HasExpired(stored)) return null;
        return TryRead(stored, () => new AnsweredTurn(turnId, ReadHandle(stored.Row), ReadReply(stored)) { Upstream = stored.Row.Upstream });
    }

    /// <summary>The tool calls for the client in a reply.</summary>
    public static IEnumerable<ToolCallItem> CallsOf(IReadOnlyList<ReplyPart> parts) =>
        parts.OfType<ItemPart>().Select(part => part.Item).OfType<ToolCallItem>().Where(call => call.ForClient);

    /// <summary>The reasoning in a reply, as clients receive it.</summary>
    public static string ReasoningOf(IReadOnlyList<ReplyPart> parts) => string.Concat(parts.OfType<ReasoningPart>().Select(part => part.Text));

    private static UpstreamHandle? ReadHandle(TurnRow row) => row.Handle is { } handle ? TurnJson.Read(handle, TurnJson.Default.UpstreamHandle) : null;

    private static IReadOnlyList<ChatMessage>? ReadPrompt(StoredTurn stored) =>
        stored.Find(TurnContentKind.Prompt) is { } prompt ? TurnJson.Read(prompt.Payload, TurnJson.Default.IReadOnlyListChatMessage) : null;

    private static IReadOnlyList<ReplyPart> ReadReply(StoredTurn stored) =>
        stored.Find(TurnContentKind.Reply) is { } reply ? TurnJson.Read(reply.Payload, TurnJson.Default.IReadOnlyListReplyPart) : [];

    /// <summary>Any exception of <paramref name="read"/> means that the stored data is damaged: it works on nothing else.</summary>
    private T? TryRead<T>(StoredTurn stored, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception)
        {
            LogDamaged(logger, exception, conversationKey, stored.Row.TurnId, stored.Row.Id);
            return default;
        }
    }

    [LoggerMessage(1111, LogLevel.Error, "The stored data of turn {TurnId} of conversation {ConversationId} is damaged; its row has the id {RowId}")]
    private static partial void LogDamaged(ILogger logger, Exception exception, string conversationId, string turnId, long rowId);
}
