using System.Text;

namespace CozeCluster.Scale;

/// <summary>Fills a storage with turns as conversation grains write them, and knows where they are.</summary>
internal sealed class FilledStore(IConversationStore store, ScaleOptions options, TimeProvider time)
{
    /// <summary>The conversation with many more turns than the others.</summary>
    public const string LongConversation = "conv-long";

    private const int LongTurns = 5_000;
    private const int Parallel = 256;

    private static readonly byte[] Details = Encoding.UTF8.GetBytes(
        """{"sent":true,"end":{"type":"completed","reason":"Stop","usage":{"input":40,"output":200,"total":240}},"attempts":[{"bot":"b1"}]}""");

    private static readonly byte[] Handle = Encoding.UTF8.GetBytes(
        """{"upstream":"coze","botId":"b1","accountId":"a1","ids":{"conversation_id":"7530000000000000000","chat_id":"7530000000000000001"}}""");

    private static readonly ConversationIds Ids = new(new byte[ConversationIds.KeyBytes]);
    private static readonly byte[] Prompt = new byte[200];
    private static readonly byte[] Reply = new byte[800];

    /// <summary>The tenant with a tenth of all conversations.</summary>
    public const string LargeTenant = "tenant-0";

    public static string TenantOf(int conversation, ScaleOptions options) => conversation % 10 == 0 ? LargeTenant : $"tenant-{conversation % options.Tenants}";

    public static string KeyOf(int conversation) => $"conv-{GrainKeys.Hash("scale", $"{conversation}")}";

    /// <summary>Writes all conversations, many at the same time.</summary>
    public async Task Fill()
    {
        var perConversation = Math.Max(1, (options.Turns - LongTurns) / options.Conversations);
        await FillConversation(LongConversation, LargeTenant, "long", LongTurns);
        await System.Threading.Tasks.Parallel.ForAsync(
            0, options.Conversations, new ParallelOptions { MaxDegreeOfParallelism = Parallel },
            async (i, _) => await FillConversation(KeyOf(i), TenantOf(i, options), $"c{i}", perConversation));
    }

    /// <summary>Writes the intent of a turn: the row, the head of its conversation and its prompt.</summary>
    /// <returns>The row and the new version of the head.</returns>
    public async Task<(TurnRow Row, long HeadVersion)> Begin(string key, string tenant, string name, int number, long headVersion)
    {
        var now = time.GetUtcNow();
        var row = new TurnRow
        {
            Id = store.NewTurnRowId(),
            Version = 1,
            TurnId = Ids.NewTurn(tenant, name),
            TenantId = tenant,
            KeyName = "app",
            User = $"user-{number % 50}",
            Model = $"model-{number % 20}",
            Status = TurnStatus.Running,
            CreatedAt = now,
            IsHistory = true,
            Details = Details,
        };
        var next = headVersion == 0 ? ConversationHead.NewVersion() : headVersion + 1;
        await store.Commit(new ConversationCommit(key)
        {
            Head = new ConversationHead(tenant, name, now, now, number + 1, now.AddDays(180)),
            ExpectedHeadVersion = headVersion,
            NextHeadVersion = next,
            Turns = [new(row, [new TurnContent(TurnContentKind.Prompt, Prompt)])],
        });
        return (row, next);
    }

    /// <summary>Writes the handle of a turn.</summary>
    public async Task<TurnRow> Identify(string key, TurnRow row)
    {
        var next = row with { Version = row.Version + 1, Handle = Handle };
        await store.Commit(new ConversationCommit(key) { Turns = [new(next, [])] });
        return next;
    }

    /// <summary>Writes the end of a turn with its reply.</summary>
    public async Task End(string key, TurnRow row, int number)
    {
        var now = time.GetUtcNow();
        var next = row with
        {
            Version = row.Version + 1,
            Handle = Handle,
            Status = number % 50 == 0 ? TurnStatus.Failed : TurnStatus.Completed,
            Error = number % 50 == 0 ? ErrorCode.UpstreamTimeout : null,
            FirstTextAt = now,
            EndedAt = now,
            Upstream = "coze",
            BotId = $"bot-{number % 10_000}",
            AccountId = $"account-{number % 200}",
            Attempts = 1,
            InputTokens = 40,
            OutputTokens = 200,
        };
        await store.Commit(new ConversationCommit(key) { Turns = [new(next, [new TurnContent(TurnContentKind.Reply, Reply)])] });
    }

    private async Task FillConversation(string key, string tenant, string name, int turns)
    {
        var version = 0L;
        for (var number = 0; number < turns; number++)
        {
            (var row, version) = await Begin(key, tenant, name, number, version);
            await End(key, row, number + Math.Abs(name.GetHashCode(StringComparison.Ordinal) % 10_000));
        }
    }
}
