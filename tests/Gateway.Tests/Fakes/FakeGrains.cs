using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Returns the fake grains of one test.</summary>
public sealed class FakeGrains : IGrainFactory
{
    private readonly ConcurrentDictionary<string, FakeConversation> _conversations = new();

    private readonly ConcurrentDictionary<string, FakeBridgeConversations> _bridge = new();

    public FakeCatalog Catalog { get; } = new();

    /// <summary>The gateway's view of the fleet. It is not a grain.</summary>
    public FakeFleet Fleet { get; } = new();

    public FakeTenant Tenant { get; } = new();

    /// <summary>The account of every id.</summary>
    public FakeAccount Account { get; } = new();

    public FakeTurnLog TurnLog { get; } = new();

    public FakeUsage Usage { get; } = new();

    /// <summary>The channels of each Discord server.</summary>
    public FakeGuilds Guilds { get; } = new();

    public FakeHealth Health { get; } = new();

    public FakeAuditLog Audit { get; } = new();

    /// <summary>The budget of every tenant and key.</summary>
    public FakeBudget Budget { get; } = new();

    public FakeModelTasks ModelTasks { get; } = new();

    /// <summary>Tests the storage for the gateway. It is not a grain.</summary>
    public FakeStorage Storage { get; } = new();

    /// <summary>Fetches files for the gateway. It is not a grain.</summary>
    public FakeFetcher Fetcher { get; } = new();

    /// <summary>Where the gateway opens its feeds.</summary>
    public FakeReplyFeeds Feeds { get; } = new();

    /// <summary>Reports to the gateway that silos have stopped or failed.</summary>
    public SiloDepartures Departures { get; } = new();

    /// <summary>Whether Orleans' client has connected. Before that, it does not know the types of grains.</summary>
    public bool Connected { get; set; } = true;

    /// <summary>Called when a conversation begins a turn; null if the test itself posts the reply.</summary>
    public Func<FakeConversation, Task>? OnBegin { get; set; }

    /// <summary>How a conversation answers when a turn under limits is started.</summary>
    public TurnStart Started { get; set; } = new(null, null);

    /// <summary>The key of the conversation of each call that was marked as a <see cref="FirstCall"/>.</summary>
    public ConcurrentQueue<string> FirstCalls { get; } = new();

    /// <summary>All conversations, in no particular order.</summary>
    public ICollection<FakeConversation> Conversations => _conversations.Values;

    /// <summary>The first conversation that begins a turn.</summary>
    public TaskCompletionSource<FakeConversation> FirstBegin { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FakeConversation Conversation(string key) => _conversations.GetOrAdd(key, _ => new FakeConversation(this, key));

    /// <summary>The conversations of a tenant for clients of the Bridge.</summary>
    public FakeBridgeConversations Bridge(string tenantId = "acme") => _bridge.GetOrAdd(tenantId, _ => new FakeBridgeConversations());

    public T GetGrain<T>(string primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithStringKey
    {
        if (!Connected) throw new ArgumentException($"Could not find an implementation for interface {typeof(T)}");
        object grain = typeof(T).Name switch
        {
            nameof(ICatalogGrain) => Catalog,
            nameof(ITenantGrain) => Tenant,
            nameof(IAccountGrain) => Account,
            nameof(ITurnLogGrain) => TurnLog,
            nameof(IHealthGrain) => Health,
            nameof(IAuditLogGrain) => Audit,
            nameof(IUsageGrain) => Usage.WithKey(primaryKey),
            nameof(IBudgetGrain) => Budget,
            nameof(IModelTaskGrain) => ModelTasks,
            nameof(IGuildChannelsGrain) => Guilds.Of(primaryKey),
            nameof(IConversationGrain) => Conversation(primaryKey),
            nameof(IBridgeConversationsGrain) => Bridge(primaryKey),
            _ => throw new ArgumentException($"There is no fake of {typeof(T)}."),
        };
        return (T)grain;
    }

    public T GetGrain<T>(Guid primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithGuidKey => throw new NotSupportedException();

    // The grain that lists silos: it cannot be reached.
    public T GetGrain<T>(long primaryKey, string? grainClassNamePrefix = null) where T : IGrainWithIntegerKey => throw new OrleansException("No silo.");

    public T GetGrain<T>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithGuidCompoundKey =>
        throw new NotSupportedException();

    public T GetGrain<T>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null) where T : IGrainWithIntegerCompoundKey =>
        throw new NotSupportedException();

    public T GetGrain<T>(GrainId grainId) where T : IAddressable => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) => throw new NotSupportedException();

    public IAddressable GetGrain(GrainId grainId) => throw new NotSupportedException();

    public IAddressable GetGrain(GrainId grainId, GrainInterfaceType interfaceType) => throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey, string grainClassNamePrefix) => throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, IdSpan grainKey) => throw new NotSupportedException();

    public T CreateObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => throw new NotSupportedException();

    public void DeleteObjectReference<T>(IGrainObserver obj) where T : IGrainObserver => throw new NotSupportedException();
}

public sealed class FakeCatalog : ICatalogGrain
{
    /// <summary>The exception of every call; null for none.</summary>
    public Exception? Fault { get; set; }

    public FleetStatus Status { get; set; } = new(7, []);

    public Task<FleetImport> Import(Fleet fleet, bool isStart) => throw new NotSupportedException();

    public Task<FleetChanges?> GetChanges(FleetPoll poll) => throw new NotSupportedException();

    public Task<FleetStatus> GetStatus() => Fault is null ? Task.FromResult(Status) : Task.FromException<FleetStatus>(Fault);

    /// <summary>The changes that were asked for.</summary>
    public List<FleetEdit> Edits { get; } = [];

    /// <summary>The documents that were imported.</summary>
    public List<FleetDocument> Documents { get; } = [];

    public Task<FleetEdited> Change(FleetEdit edit)
    {
        Edits.Add(edit);
        return Task.FromResult(new FleetEdited(7, new FleetItem(edit.Item, 7, edit.Json ?? "{}") { IsManaged = true }));
    }

    public Task<FleetDifferences> ImportDocument(FleetDocument document)
    {
        Documents.Add(document);
        return Task.FromResult(new FleetDifferences(7, []));
    }

    public Task<FleetItem?> ReadItem(FleetItemId id) => throw new NotSupportedException();

    public Task<FleetItemPage> ListItems(FleetItemKind kind, string? tenantId, string? after, int limit) => throw new NotSupportedException();

    public Task<FleetExport> Export(bool withSecrets) => throw new NotSupportedException();
}

public sealed class FakeTenant : ITenantGrain
{
    public ConcurrentQueue<string> Admitted { get; } = new();

    public ConcurrentQueue<string> Settled { get; } = new();

    public Error? Refusal { get; set; }

    public Task<Error?> Admit(string turnId)
    {
        Admitted.Enqueue(turnId);
        return Task.FromResult(Refusal);
    }

    public Task Renew(string turnId)
    {
        Interlocked.Increment(ref _renewed);
        return Task.CompletedTask;
    }

    /// <summary>How often admissions were renewed.</summary>
    public int Renewed => Volatile.Read(ref _renewed);

    private int _renewed;

    public Task<Admission> AdmitWithin(TurnTerms terms)
    {
        Admitted.Enqueue(terms.TurnId);
        return Task.FromResult(new Admission(Refusal, null));
    }

    public Task<Admission> Explain(TurnTerms terms) => Task.FromResult(new Admission(Refusal, null));

    public Task Settle(string turnId, Usage? usage)
    {
        Settled.Enqueue(turnId);
        return Task.CompletedTask;
    }
}

public sealed class FakeAccount : IAccountGrain
{
    public ConcurrentQueue<string> Acquired { get; } = new();

    public ConcurrentQueue<LeaseOutcome> Returned { get; } = new();

    /// <summary>Why the account refuses; null if it does not.</summary>
    public Refusal? Refusal { get; set; }

    public Task<AccountLeaseResult> Acquire(string leaseId)
    {
        Acquired.Enqueue(leaseId);
        var account = new AccountDefinition { Id = "openai-1", Upstream = UpstreamNames.OpenAi, BaseUrl = "http://provider.invalid" };
        return Task.FromResult(Refusal is null ? new AccountLeaseResult(account, null) : new AccountLeaseResult(null, Refusal));
    }

    public Task<AccountLeaseResult> AcquireWithin(AccountLeaseRequest request) => Acquire(request.LeaseId);

    public Task<AccountLeaseResult> Explain(AccountLeaseRequest request) => throw new NotSupportedException();

    public Task Renew(string leaseId) => Task.CompletedTask;

    public Task<DiscordPosted> Post(DiscordPost post, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task Return(string leaseId, LeaseOutcome outcome)
    {
        Returned.Enqueue(outcome);
        return Task.CompletedTask;
    }
}

public sealed class FakeHealth : IHealthGrain
{
    public List<HealthEntry> Entries { get; } = [];

    /// <summary>When the grain answers.</summary>
    public Task Answers { get; set; } = Task.CompletedTask;

    public Task Report(HealthEntry entry) => throw new NotSupportedException();

    public async Task<IReadOnlyList<HealthEntry>> List()
    {
        await Answers;
        return [.. Entries];
    }
}

public sealed class FakeAuditLog : IAuditLogGrain
{
    /// <summary>The entries, in the order in which they were added.</summary>
    public List<AuditEntry> Entries { get; } = [];

    /// <summary>The exception of every call; null for none.</summary>
    public ClusterException? Fault { get; set; }

    /// <summary>The exception when an outcome is stored; null for none.</summary>
    public ClusterException? CompleteFault { get; set; }

    public AuditQuery? LastQuery { get; private set; }

    public Task Append(AuditEntry entry)
    {
        if (Fault is not null) return Task.FromException(Fault);
        lock (Entries) Entries.Add(entry);
        return Task.CompletedTask;
    }

    public Task Complete(string id, string outcome)
    {
        if (CompleteFault is not null) return Task.FromException(CompleteFault);
        lock (Entries)
        {
            var place = Entries.FindIndex(entry => entry.Id == id);
            Entries[place] = Entries[place] with { Outcome = outcome };
        }
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<AuditEntry>> Search(AuditQuery query)
    {
        LastQuery = query;
        lock (Entries) return Task.FromResult<IReadOnlyList<AuditEntry>>([.. Entries.AsEnumerable().Reverse().Take(query.Limit)]);
    }
}

public sealed class FakeModelTasks : IModelTaskGrain
{
    public ConcurrentQueue<ModelTaskRequest> Requests { get; } = new();

    /// <summary>The answer.</summary>
    public Func<CancellationToken, Task<ModelTaskResult>> Answer { get; set; } = _ => Task.FromResult(new ModelTaskResult("""{"data":[]}"""u8.ToArray()));

    public Task<bool> IsRunning() => throw new NotSupportedException();

    public Task<ModelTaskResult> Run(ModelTaskRequest request, CancellationToken cancellationToken = default)
    {
        Requests.Enqueue(request);
        return Answer(cancellationToken);
    }
}

public sealed class FakeTurnLog : ITurnLogGrain
{
    public List<ConversationSummary> Summaries { get; } = [];

    public Task<IReadOnlyList<ConversationSummary>> ListConversations(string tenantId, string? after, int limit)
    {
        var start = after is null ? 0 : Summaries.FindIndex(summary => summary.Name == after) + 1;
        return Task.FromResult<IReadOnlyList<ConversationSummary>>([.. Summaries.Skip(start).Take(limit)]);
    }

    /// <summary>What a search for the turns of a bot finds, by the id of the bot.</summary>
    public Dictionary<string, TurnRow> LastTurns { get; } = [];

    /// <summary>The turns of the log, by id.</summary>
    public Dictionary<string, TurnReport> Reports { get; } = [];

    /// <summary>The last search.</summary>
    public TurnQuery? LastQuery { get; private set; }

    public Task<IReadOnlyList<TurnRow>> Search(TurnQuery query)
    {
        LastQuery = query;
        if (query.BotId is { } bot && LastTurns.TryGetValue(bot, out var row)) return Task.FromResult<IReadOnlyList<TurnRow>>([row]);
        return Task.FromResult<IReadOnlyList<TurnRow>>(
            [.. Reports.Values.Select(report => report.Row).Where(row => query.TenantId is null || row.TenantId == query.TenantId).Take(query.Limit)]);
    }

    public Task<TurnReport?> ReadTurn(string turnId) => Task.FromResult(Reports.GetValueOrDefault(turnId));
}

public sealed class FakeBudget : IBudgetGrain
{
    public BudgetStatus Status { get; set; } = new([], [], [], 0);

    public List<CreditPayment> Payments { get; } = [];

    /// <summary>The exception of every payment; null for none.</summary>
    public ClusterException? Fault { get; set; }

    public Task<BudgetGrant> Claim(BudgetClaim claim) => throw new NotSupportedException();

    public Task EndEpochs(string tenantId, int shard) => throw new NotSupportedException();

    public Task<CreditStatus> AddCredit(CreditPayment payment)
    {
        if (Fault is not null) return Task.FromException<CreditStatus>(Fault);
        Payments.Add(payment);
        return GetCredit();
    }

    public Task<CreditStatus> GetCredit() => Task.FromResult(new CreditStatus(Payments.Sum(payment => payment.Units), Payments));

    public Task<BudgetStatus> GetStatus(string tenantId, string? keyName) => Task.FromResult(Status);
}

public sealed class FakeUsage : IUsageGrain
{
    /// <summary>When keys were last used, by their names.</summary>
    public Dictionary<string, DateTimeOffset> LastUsed { get; } = [];

    public List<UsageRow> Rows { get; } = [];

    public List<UsageQuery> Queries { get; } = [];

    /// <summary>The key of the last reader.</summary>
    public string? Key { get; private set; }

    /// <summary>Called before each answer.</summary>
    public Func<Task> OnRead { get; set; } = () => Task.CompletedTask;

    public FakeUsage WithKey(string key)
    {
        Key = key;
        return this;
    }

    public async Task<IReadOnlyList<UsageRow>> Read(UsageQuery query)
    {
        Queries.Add(query);
        await OnRead();
        return [.. Rows.Skip(query.After is { } after ? Rows.FindIndex(row => row with { Sums = after.Sums } == after) + 1 : 0).Take(query.Limit)];
    }

    public Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(string tenantId) =>
        Task.FromResult<IReadOnlyDictionary<string, DateTimeOffset>>(LastUsed);
}

public sealed class FakeStorage : IStorageProbe
{
    /// <summary>Why the storage cannot be used; null if it can.</summary>
    public string? Reason { get; set; }

    public Task<string?> Check(CancellationToken cancellationToken) => Task.FromResult(Reason);
}
