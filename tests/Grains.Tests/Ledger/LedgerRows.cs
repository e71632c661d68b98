namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>The rows of turns and the open epochs, as both databases keep them.</summary>
/// <param name="time">The clock.</param>
/// <param name="post">Makes a step of each write and read.</param>
internal sealed class LedgerRows(TimeProvider time, Func<string, Action, Task> post) : ILedgerStore
{
    private readonly Dictionary<int, long> _open = [];

    /// <summary>The rows by id.</summary>
    public Dictionary<long, LedgerRow> Rows { get; } = [];

    /// <summary>What all rows use, or those of a key.</summary>
    public Amounts Used(string? key, ChargeState? state = null) => Rows.Values
        .Where(row => (key is null || row.Key == key) && (state is null || row.Charge.State == state))
        .Where(row => !IsFree(row, time.GetUtcNow() - TurnCharge.UnknownHold))
        .Aggregate(default(Amounts), (sum, row) => sum + row.Charge.Amounts);

    /// <summary>Stores a new row.</summary>
    /// <exception cref="EpochClosedException">The epoch of the charge is closed.</exception>
    public Task Insert(long id, string? key, TurnCharge charge) => post("insert", () =>
    {
        if (!_open.ContainsValue(charge.Epoch)) throw new EpochClosedException();
        Rows.Add(id, new LedgerRow(key, charge, null));
    });

    /// <summary>Stores the end of a turn.</summary>
    public Task End(long id, Amounts charged, ChargeState state) => post("end", () =>
    {
        var row = Rows[id];
        Rows[id] = row with { Charge = row.Charge with { Amounts = charged, State = state }, EndedAt = time.GetUtcNow() };
    });

    /// <summary>Deletes the rows of turns that have ended and whose epoch is closed, as if they were old.</summary>
    public void DeleteOld()
    {
        foreach (var (id, row) in Rows.ToList())
        {
            if (row.EndedAt is not null && !_open.ContainsValue(row.Charge.Epoch)) Rows.Remove(id);
        }
    }

    public Task ReplaceEpoch(string tenantId, int shard, long next) => post("open epoch", () => _open[shard] = next);

    public Task CloseEpoch(long epoch) => post("close epoch", () =>
    {
        foreach (var shard in _open.Where(entry => entry.Value == epoch).Select(entry => entry.Key).ToList()) _open.Remove(shard);
    });

    public async ValueTask<bool> IsOpen(long epoch, CancellationToken cancellationToken)
    {
        var isOpen = false;
        await post("look for epoch", () => isOpen = _open.ContainsValue(epoch));
        return isOpen;
    }

    public async ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(
        long epoch, string? keyName, DateTimeOffset unknownBefore, CancellationToken cancellationToken)
    {
        IReadOnlyList<EpochUse> uses = [];
        await post("read epoch", () =>
        {
            var rows = Rows.Values.Where(row => row.Charge.Epoch == epoch && (keyName is null || row.Key == keyName) && !IsFree(row, unknownBefore));
            uses = [.. rows.GroupBy(row => row.Charge.Day).Select(day => new EpochUse(
                day.Key, Sum(day, ChargeState.Settled), Sum(day, ChargeState.Reserved), Sum(day, ChargeState.Unknown),
                day.Count(row => row.Charge.State != ChargeState.Settled)))];
        });
        return uses;
    }

    private static bool IsFree(LedgerRow row, DateTimeOffset unknownBefore) => row.Charge.State == ChargeState.Unknown && row.EndedAt < unknownBefore;

    private static Amounts Sum(IEnumerable<LedgerRow> rows, ChargeState state) =>
        rows.Where(row => row.Charge.State == state).Aggregate(default(Amounts), (sum, row) => sum + row.Charge.Amounts);
}

/// <summary>The row of a turn.</summary>
internal sealed record LedgerRow(string? Key, TurnCharge Charge, DateTimeOffset? EndedAt);

/// <summary>A fleet with one tenant and one key.</summary>
internal sealed class LimitedFleet(TenantDefinition tenant, LimitsDefinition? keyLimits) : IFleetView
{
    public TenantDefinition Tenant { get; set; } = tenant;

    public LimitsDefinition? KeyLimits { get; set; } = keyLimits;

    public long Version => 1;

    public FleetViewStatus Status => throw new NotSupportedException();

    public ConversationIds Ids => throw new NotSupportedException();

    public FleetEndpoints Endpoints => FleetEndpoints.None;

    public FleetOutline Outline => throw new NotSupportedException();

    public ApiKeyInfo? FindKey(string hash) => throw new NotSupportedException();

    public IReadOnlyList<ApiKeyInfo> ListKeys(string tenantId) => throw new NotSupportedException();

    public ApiKeyInfo? FindKeyByName(string tenantId, string keyName) =>
        keyName == LedgerWorld.Key ? new ApiKeyInfo(tenantId, keyName, Admin: false) { Limits = KeyLimits } : null;

    public TenantDefinition? FindTenant(string tenantId) => Tenant;

    public BotDefinition? FindBot(string botId) => throw new NotSupportedException();

    public AccountDefinition? FindAccount(string accountId) => throw new NotSupportedException();

    public ListenerDefinition? FindListener(string listenerId) => throw new NotSupportedException();

    public ModelDefinition? FindModel(string tenantId, string model) => throw new NotSupportedException();

    public IReadOnlyList<ModelInfo> ListModels(string tenantId) => throw new NotSupportedException();

    public Task Refresh(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IDisposable Subscribe(Action<FleetChange> onChange) => throw new NotSupportedException();
}
