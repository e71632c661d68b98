using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

public sealed class FakeApiKey(FakeGrains grains, string hash) : IApiKeyGrain
{
    public Task<ApiKeyInfo?> Authenticate() => grains.Catalog.FindKey(hash);
}

public sealed class FakeCatalog : ICatalogGrain
{
    private int _keyLookups;

    public ConcurrentDictionary<string, ApiKeyInfo> Keys { get; } = new(
    [
        new(GrainKeys.ApiKeyHash("sk-test"), new ApiKeyInfo("acme", "test", false)),
        new(GrainKeys.ApiKeyHash("sk-other"), new ApiKeyInfo("other", "other", false)),
        new(GrainKeys.ApiKeyHash("sk-admin"), new ApiKeyInfo("acme", "admin", true)),
    ]);

    public List<string> Models { get; } = ["bot", "team/bot 1"];

    /// <summary>Thrown by every lookup, if set.</summary>
    public Exception? Fault { get; set; }

    public int KeyLookups => _keyLookups;

    public Task Import(Fleet fleet) => throw new NotSupportedException();

    public Task<ApiKeyInfo?> FindKey(string hash)
    {
        Interlocked.Increment(ref _keyLookups);
        return Fault is null ? Task.FromResult(Keys.GetValueOrDefault(hash)) : Task.FromException<ApiKeyInfo?>(Fault);
    }

    public Task<TenantDefinition?> FindTenant(string tenantId) =>
        Fault is null ? Task.FromResult<TenantDefinition?>(null) : Task.FromException<TenantDefinition?>(Fault);

    public Task<FleetOutline> Outline() => throw new NotSupportedException();

    public Task<BotDefinition?> FindBot(string botId) => throw new NotSupportedException();

    public Task<AccountDefinition?> FindAccount(string accountId) => throw new NotSupportedException();
    public Task<ListenerDefinition?> FindListener(string listenerId) => throw new NotSupportedException();

    public Task<ModelDefinition?> FindModel(string tenantId, string model) => Task.FromResult(
        Models.Contains(model) ? new ModelDefinition { Id = model, Bots = ["b"], CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(1700000000) } : null);

    public Task<IReadOnlyList<PooledBot>?> FindPool(string tenantId, string model) => throw new NotSupportedException();

    public Task<IReadOnlyList<ModelInfo>> ListModels(string tenantId) =>
        Task.FromResult<IReadOnlyList<ModelInfo>>([.. Models.Select(model => new ModelInfo(model, DateTimeOffset.UnixEpoch.AddSeconds(1700000000)))]);
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

    public Task Renew(string turnId) => Task.CompletedTask;

    public Task Settle(string turnId, Usage? usage)
    {
        Settled.Enqueue(turnId);
        return Task.CompletedTask;
    }
}

public sealed class FakeHealth : IHealthGrain
{
    public List<HealthEntry> Entries { get; } = [];

    public Task Report(HealthEntry entry) => throw new NotSupportedException();

    public Task<IReadOnlyList<HealthEntry>> List() => Task.FromResult<IReadOnlyList<HealthEntry>>([.. Entries]);
}

public sealed class FakeIndex : IConversationIndexGrain
{
    public List<ConversationSummary> Summaries { get; } = [];

    public Task Update(ConversationSummary summary) => throw new NotSupportedException();

    public Task Remove(string name) => throw new NotSupportedException();

    public Task<IReadOnlyList<ConversationSummary>> List(string? after, int limit)
    {
        var start = after is null ? 0 : Summaries.FindIndex(summary => summary.Name == after) + 1;
        return Task.FromResult<IReadOnlyList<ConversationSummary>>([.. Summaries.Skip(start).Take(limit)]);
    }
}

public sealed class FakeBlobs : IBlobStore
{
    public ConcurrentQueue<(BlobRef Ref, byte[] Bytes)> Stored { get; } = new();

    public ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var blob = new BlobRef("blob" + Stored.Count, contentType, name, content.Length);
        Stored.Enqueue((blob, content.ToArray()));
        return new(blob);
    }

    public ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken) => throw new NotSupportedException();
}

public sealed class FakeFetcher : ISafeFetcher
{
    public ConcurrentQueue<string> Fetched { get; } = new();

    /// <summary>Addresses that cannot be fetched.</summary>
    public HashSet<string> Broken { get; } = [];

    public Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken)
    {
        Fetched.Enqueue($"{mediaType} {url}");
        return Broken.Contains(url)
            ? Task.FromException<FetchedFile>(new ClusterException(ErrorCode.FetchFailed, "A file of the reply could not be fetched: It is gone."))
            : Task.FromResult(new FetchedFile("image/png", System.Text.Encoding.UTF8.GetBytes(url)));
    }
}
