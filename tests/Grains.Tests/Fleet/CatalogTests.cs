using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests;

public sealed class CatalogTests : IAsyncLifetime
{
    private TestSilo _silo = null!;

    private ICatalogGrain Catalog => _silo.Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog);

    private IFleetStore Store => _silo.Services.GetRequiredService<IFleetStore>();

    public async ValueTask InitializeAsync() => _silo = await TestSilo.StartAsync();

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    [Fact]
    public async Task Import_ModelsWithoutDates_GetTheDateOfTheirFirstImport()
    {
        var start = _silo.Time.GetUtcNow();
        var dated = new DateTimeOffset(2024, 5, 6, 0, 0, 0, TimeSpan.Zero);

        await Catalog.Import(Fleet.Empty with { Version = "1", Models = [Model("a"), Model("b") with { CreatedAt = dated }] });
        _silo.Time.Advance(TimeSpan.FromDays(1));
        await Catalog.Import(Fleet.Empty with { Version = "2", Models = [Model("c"), Model("b") with { CreatedAt = dated }, Model("a")] });

        Assert.Equal([new("c", start.AddDays(1)), new("b", dated), new("a", start)], _silo.Fleet.ListModels("t"));
    }

    [Fact]
    public async Task Import_SurvivesARestart()
    {
        await Catalog.Import(Fleet.Empty with { Version = "1", Tenants = [new TenantDefinition(StoreConversations: false) { Id = "private" }] });

        await _silo.RestartAsync();

        Assert.False(_silo.Fleet.FindTenant("private")!.StoreConversations);
    }

    [Fact]
    public async Task Import_OneChangedKey_WritesAndSendsOneRow()
    {
        var first = await Catalog.Import(WithKeys("1", "a", "b", "c"));

        var second = await Catalog.Import(WithKeys("2", "a", "b", "changed"));
        var changes = (await Catalog.GetChanges(new FleetPoll("test", first.Version)))!;

        Assert.Equal((second.Version, false), (changes.Version, changes.IsFull));
        Assert.Equal([("changed", true), ("c", false)], changes.Rows.Select(row => (row.Id, row.Payload is not null)).OrderByDescending(row => row.Item2));
        Assert.All(changes.Rows, row => Assert.Equal(FleetRowKind.Key, row.Kind));
        var stored = await Store.Read(default, "", 100, CancellationToken.None);
        Assert.Equal(["Key changed", "Imports imports"], stored.Where(row => row.Version == second.Version).Select(row => $"{row.Kind} {row.Id}"));
    }

    [Fact]
    public async Task Import_KeyWasReplacedSinceTheFleetWasSealed_IsRefusedAndCanBeRepeated()
    {
        var account = new AccountDefinition { Id = "a", Upstream = "coze", BaseUrl = "http://a", Token = new Secret("old") { Fingerprint = "f" } };
        var fleet = Fleet.Empty with { Version = "1", Accounts = [account] };
        await Catalog.Import(fleet);
        var (version, rows) = await FleetSecrets.ReadAll(Store, CancellationToken.None);
        var sealKey = new SealKey("k", new Secret("new"));
        await Store.Commit(
            version, version + 1, FleetSecrets.Replace(rows, version + 1, sealKey, secret => new Secret("new") { Fingerprint = secret.Fingerprint }));
        await _silo.RestartAsync();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Catalog.Import(fleet with { Version = "2" }));
        Assert.Equal(ErrorCode.StateConflict, error.Code);
        Assert.Equal(version + 1, (await Catalog.Import(fleet)).Version);
        await Catalog.Import(fleet with { Version = "2", SealKey = sealKey });

        Assert.Equal(("new", "k"), (_silo.Fleet.FindAccount("a")!.Token!.Sealed, _silo.Fleet.Outline.SealKey!.KeyId));
    }

    [Fact]
    public async Task Import_SecretsAreSealedAgain_ChangesNothing()
    {
        var account = new AccountDefinition { Id = "a", Upstream = "coze", BaseUrl = "http://a", Token = new Secret("sealed") { Fingerprint = "f" } };
        var first = await Catalog.Import(Fleet.Empty with { Version = "1", Accounts = [account] });

        await Catalog.Import(Fleet.Empty with { Version = "2", Accounts = [account with { Token = account.Token! with { Sealed = "sealed again" } }] });

        Assert.Empty((await Catalog.GetChanges(new FleetPoll("test", first.Version)))!.Rows);
        Assert.Equal("sealed", _silo.Fleet.FindAccount("a")!.Token!.Sealed);
    }

    [Fact]
    public async Task Import_OfAFleetInForce_ChangesNothing()
    {
        var first = await Catalog.Import(WithKeys("1", "a"));

        var second = await Catalog.Import(WithKeys("1", "a"), isStart: true);

        Assert.Equal((first.Version, false), (second.Version, second.IsSuperseded));
        Assert.Null(await Catalog.GetChanges(new FleetPoll("test", first.Version)));
    }

    [Fact]
    public async Task Import_AtStartOfAFleetThatWasReplaced_IsNotApplied()
    {
        await Catalog.Import(WithKeys("old", "a"), isStart: true);
        var current = await Catalog.Import(WithKeys("new", "b"));
        await _silo.RestartAsync();

        Assert.Equal(new FleetImport(current.Version, IsSuperseded: true), await Catalog.Import(WithKeys("old", "a"), isStart: true));

        Assert.Null(_silo.Fleet.FindKey("a"));
        Assert.NotNull(_silo.Fleet.FindKey("b"));
    }

    [Fact]
    public async Task Import_OfAFleetThatWasReplaced_WhileTheNodeRuns_IsApplied()
    {
        await Catalog.Import(WithKeys("old", "a"));
        await Catalog.Import(WithKeys("new", "b"));

        Assert.False((await Catalog.Import(WithKeys("old", "a"))).IsSuperseded);

        Assert.NotNull(_silo.Fleet.FindKey("a"));
        Assert.True((await Catalog.Import(WithKeys("new", "b"), isStart: true)).IsSuperseded);
    }

    [Fact]
    public async Task Import_AtStart_TheLast32FleetsAreRemembered()
    {
        for (var i = 0; i < 34; i++) await Catalog.Import(WithKeys($"{i}", "a"));

        Assert.True((await Catalog.Import(WithKeys("2", "a"), isStart: true)).IsSuperseded);
        Assert.False((await Catalog.Import(WithKeys("1", "a"), isStart: true)).IsSuperseded);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Import_LowerDeclaredVersion_IsRefused(bool isStart)
    {
        await Catalog.Import(WithKeys("5", "a") with { DeclaredVersion = 5 });
        await _silo.RestartAsync();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Catalog.Import(WithKeys("4", "b") with { DeclaredVersion = 4 }, isStart));

        Assert.Equal(ErrorCode.InvalidRequest, error.Code);
        Assert.Equal("The fleet has version 4, but version 5 is in force. Set 'version' to 5 or more to replace it.", error.Message);
        Assert.Null(_silo.Fleet.FindKey("b"));
        await Catalog.Import(WithKeys("5b", "b") with { DeclaredVersion = 5 }, isStart);
        Assert.NotNull(_silo.Fleet.FindKey("b"));
    }

    [Fact]
    public async Task Status_ListsProcessesUntilTheyAreSilentForAMinute()
    {
        var first = await Catalog.Import(WithKeys("1", "a"));
        await Catalog.GetChanges(new FleetPoll("other", first.Version));
        var second = await Catalog.Import(WithKeys("2", "b"));

        var status = await Catalog.GetStatus();
        Assert.Equal(second.Version, status.Version);
        Assert.Equal(first.Version, Assert.Single(status.Processes, process => process.Id == "other").Version);

        await _silo.PassSeconds(61, () => false, TimeSpan.FromSeconds(1));
        status = await Catalog.GetStatus();
        Assert.DoesNotContain(status.Processes, process => process.Id == "other");
        Assert.Equal(second.Version, Assert.Single(status.Processes).Version);
    }

    [Fact]
    public async Task RowsOfAnotherActivation_AreReadWithinSeconds()
    {
        var version = (await Catalog.Import(WithKeys("1", "a", "b"))).Version;

        await Store.Commit(version, version + 1, [new FleetRow(FleetRowKind.Key, "a", version + 1, null)]);
        await _silo.PassSeconds(4, () => _silo.Fleet.FindKey("a") is null);

        Assert.Null(_silo.Fleet.FindKey("a"));
        Assert.NotNull(_silo.Fleet.FindKey("b"));
        // The next import continues from there.
        Assert.Equal(version + 2, (await Catalog.Import(WithKeys("2", "a"))).Version);
    }

    [Fact]
    public async Task DamagedRow_HarmsNothingElse()
    {
        var version = (await Catalog.Import(WithKeys("1", "a", "b"))).Version;

        await Store.Commit(version, version + 1, [new FleetRow(FleetRowKind.Key, "a", version + 1, "{"u8.ToArray())]);
        await _silo.PassSeconds(4, () => _silo.Fleet.Version > version);

        Assert.Null(_silo.Fleet.FindKey("a"));
        Assert.NotNull(_silo.Fleet.FindKey("b"));
        await Catalog.Import(WithKeys("2", "a", "b"));
        Assert.NotNull(_silo.Fleet.FindKey("a"));
    }

    private static Fleet WithKeys(string version, params string[] hashes) => Fleet.Empty with
    {
        Version = version,
        Tenants = [new TenantDefinition { Id = "t", Keys = [.. hashes.Select(hash => new ApiKeyDefinition("name", hash, false))] }],
    };

    private static ModelDefinition Model(string id) => new() { Id = id, Bots = ["bot"] };
}
