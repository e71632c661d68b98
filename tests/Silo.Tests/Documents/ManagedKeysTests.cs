using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Silo.Tests.Documents;

/// <summary>API keys that are managed through the API: they end with their tenant, the last owner stays, and a rotation cuts nobody off.</summary>
public sealed class ManagedKeysTests : IAsyncLifetime
{
    private const string Root = "root-key-of-the-file-0123456789";

    private const string File = $$"""
        tenants:
          - { id: root, keys: [{ name: r, key: {{Root}}, role: owner }] }
          - { id: contractors, keys: [{ name: c, key: contr-key-of-the-file-0123456789 }] }
        accounts: [{ id: a, upstream: coze, token: file-token }]
        bots: [{ id: b, upstream: coze, bot_id: "1", accounts: [a] }]
        models: [{ id: m, bots: [b] }]
        """;

    private ManagedFleet _fleet = null!;

    private static string WithoutContractors { get; } = string.Join('\n', File.Split('\n').Where(line => !line.Contains("contr", StringComparison.Ordinal)));

    private IFleetView View => _fleet.Silo.Fleet;

    public async ValueTask InitializeAsync() => _fleet = await ManagedFleet.Start();

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task Import_WithoutTheTenantOfAManagedKey_IsRefusedAndNamesTheKey()
    {
        await _fleet.Import(File);
        var bob = await Make("contractors/bob", """{"role": "owner"}""");

        var refused = await Refused(ErrorCode.InvalidRequest, () => _fleet.Import(WithoutContractors));

        Assert.StartsWith("tenants[contractors].keys[bob]: There is no tenant 'contractors'.", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(View.FindKey(bob));
        await _fleet.Edit(FleetEditAction.Delete, FleetItemKind.Key, "contractors/bob", edit => edit with { IsByOwner = true });
        await _fleet.Import(WithoutContractors);
        Assert.Null(View.FindTenant("contractors"));
    }

    [Fact]
    public async Task Key_ThatHasOutlivedItsTenant_IsNoKey()
    {
        var bob = await LeaveKey();

        Assert.Null(View.FindKey(bob));
        Assert.DoesNotContain("bob", (await _fleet.Catalog.Export(withSecrets: true)).Json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_ThatHasOutlivedItsTenant_DoesNotGoToANewTenant()
    {
        var bob = await LeaveKey();

        await _fleet.Put(FleetItemKind.Tenant, "contractors", "{}", FleetEdit.New);

        Assert.Null(View.FindKey(bob));
        Assert.Empty((await _fleet.Catalog.ListItems(FleetItemKind.Key, "contractors", null, 10)).Items);
    }

    [Fact]
    public async Task Key_ThatHasOutlivedItsTenant_IsWhatAFileDeclaresInItsPlace()
    {
        var bob = await LeaveKey();
        var file = WithoutContractors.Replace(
            "\naccounts:", "\n" + $$"""
              - { id: contractors, keys: [{ name: bob, hash: {{bob}} }] }
            accounts:
            """, StringComparison.Ordinal);

        var import = await _fleet.Import(file);

        Assert.Empty(import.Unchanged);
        Assert.False(View.FindKey(bob)!.Admin);
        Assert.False((await _fleet.Read(FleetItemKind.Key, "contractors/bob")).IsManaged);
    }

    [Theory]
    [InlineData("""{"expires": "2020-01-01"}""")]
    [InlineData("""{"disabled": true}""")]
    [InlineData("""{"role": "operator"}""")]
    public async Task Change_AfterWhichNoOwnerKeyIsValid_IsRefused(string patch)
    {
        await MakeOwner();

        await Refused(ErrorCode.Conflict, () => EditAsOwner(FleetEditAction.Patch, "ops/one", patch));

        // Another owner whose key has expired is no help.
        await EditAsOwner(FleetEditAction.Put, "ops/two", $$"""{"role": "owner", "expires": "2020-01-01", "hash": "{{new string('d', 64)}}"}""");
        await Refused(ErrorCode.Conflict, () => EditAsOwner(FleetEditAction.Patch, "ops/one", patch));
    }

    [Fact]
    public async Task ImportDocument_WithoutAnOwner_IsRefused()
    {
        await MakeOwner();
        const string Document = """{"tenants": [{"id": "t"}]}""";

        foreach (var isDryRun in (bool[])[true, false])
            await Refused(ErrorCode.Conflict, () => _fleet.Catalog.ImportDocument(new FleetDocument(Document, "ops/one") { IsDryRun = isDryRun }));

        Assert.NotNull(View.FindTenant("ops"));
    }

    [Fact]
    public async Task ImportDocument_WithoutTheKeyThatSendsIt_IsRefused()
    {
        var owner = await MakeOwner();
        var other = new string('e', 64);
        var document = $$"""{"tenants": [{"id": "ops", "keys": [{"name": "two", "role": "owner", "hash": "{{other}}"}]}]}""";

        await Refused(ErrorCode.Conflict, () => _fleet.Catalog.ImportDocument(new FleetDocument(document, "ops/one") { ByKey = owner }));
        await _fleet.Catalog.ImportDocument(new FleetDocument(document, "ops/two") { ByKey = other });

        Assert.Null(View.FindKey(owner));
    }

    [Fact]
    public async Task Rotate_AgainWhileTheOverlapRuns_IsRefusedAndCutsNobodyOff()
    {
        var (first, second) = await RotateOnce();

        await Refused(ErrorCode.Conflict, () => Rotate(NewApiKey.Create(), TimeSpan.FromHours(1)));

        Assert.Equal(_fleet.Silo.Time.GetUtcNow().AddHours(1), View.FindKey(first)!.ExpiresAt);
        Assert.NotNull(View.FindKey(second));
        _fleet.Silo.Time.Advance(TimeSpan.FromHours(2));
        await Rotate(NewApiKey.Create(), TimeSpan.FromHours(1));
        Assert.Null(View.FindKey(first));
        Assert.NotNull(View.FindKey(second));
    }

    [Fact]
    public async Task Rotate_AfterALostAnswer_ReplacesTheKeyThatNobodyHas()
    {
        var (first, second) = await RotateOnce();
        var third = NewApiKey.Create();
        _fleet.Silo.Time.Advance(TimeSpan.FromMinutes(10));

        await Rotate(third, TimeSpan.FromHours(1), isLost: true);

        Assert.Equal(_fleet.Silo.Time.GetUtcNow().AddMinutes(50), View.FindKey(first)!.ExpiresAt);
        Assert.Null(View.FindKey(second));
        Assert.Null(View.FindKey(third.Stored.Hash)!.ExpiresAt);
    }

    [Fact]
    public async Task Rotate_WithoutAnOverlap_EndsBothKeys()
    {
        var (first, second) = await RotateOnce();
        var third = NewApiKey.Create();

        await Rotate(third, TimeSpan.Zero);

        Assert.Equal((null, null), (View.FindKey(first), View.FindKey(second)));
        Assert.NotNull(View.FindKey(third.Stored.Hash));
    }

    [Fact]
    public async Task ImportDocument_OfTheExportAfterARotation_ChangesNothing()
    {
        _fleet.Silo.Time.Advance(TimeSpan.FromTicks(1234567));
        await RotateOnce();

        foreach (var withSecrets in (bool[])[true, false])
        {
            var export = await _fleet.Catalog.Export(withSecrets);
            var import = await _fleet.Catalog.ImportDocument(new FleetDocument(export.Json, "test") { IsDryRun = true });
            Assert.Empty(import.Differences);
        }
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/../b")]
    [InlineData("a\\..")]
    public async Task Name_WithDotSegments_IsRefusedForNewThings(string name)
    {
        await _fleet.Import(File);
        var alias = new JsonObject { ["aliases"] = new JsonObject { [name] = "m" } };

        await Refused(ErrorCode.InvalidRequest, () => Make($"contractors/{name}", "{}"));
        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Model, name, """{"bots": ["b"]}"""));
        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Tenant, "t", alias.ToJsonString()));
        await RefusedDocument("models", new JsonObject { ["id"] = name, ["bots"] = new JsonArray("b") });
        await RefusedDocument("tenants", new JsonObject
        {
            ["id"] = "t", ["keys"] = new JsonArray(new JsonObject { ["name"] = name, ["hash"] = new string('f', 64) }),
        });

        async Task RefusedDocument(string section, JsonObject item)
        {
            var document = JsonNode.Parse((await _fleet.Catalog.Export(withSecrets: true)).Json)!;
            document[section]!.AsArray().Add(item);
            var dryRun = new FleetDocument(document.ToJsonString(), "test") { IsDryRun = true };
            await Refused(ErrorCode.InvalidRequest, () => _fleet.Catalog.ImportDocument(dryRun));
        }
    }

    [Fact]
    public async Task Name_WithDotSegmentsInAFile_CanBeReadChangedAndDeleted()
    {
        var file = File.Replace("name: c,", "name: \"..\",", StringComparison.Ordinal).Replace("{ id: m,", "{ id: a/../b,", StringComparison.Ordinal);
        await _fleet.Import(file);
        await _fleet.Release(FleetItemKind.Key, "contractors/..");
        await _fleet.Release(FleetItemKind.Model, "a/../b");

        await _fleet.Patch(FleetItemKind.Key, "contractors/..", """{"disabled": true}""");
        await _fleet.Patch(FleetItemKind.Model, "a/../b", """{"hidden": true}""");
        var export = await _fleet.Catalog.Export(withSecrets: false);
        await _fleet.Catalog.ImportDocument(new FleetDocument(export.Json, "test"));

        Assert.True(View.FindKey(GrainKeys.ApiKeyHash("contr-key-of-the-file-0123456789"))!.Disabled);
        Assert.Contains("true", (await _fleet.Read(FleetItemKind.Model, "a/../b")).Json, StringComparison.Ordinal);
        await _fleet.Import(File.Replace("contr-key", "other-key", StringComparison.Ordinal));
        await _fleet.Delete(FleetItemKind.Key, "contractors/..");
        await _fleet.Delete(FleetItemKind.Model, "a/../b");
        Assert.Null(View.FindModel("root", "a/../b"));
        Assert.Equal(["contractors/c"], (await _fleet.Catalog.ListItems(FleetItemKind.Key, "contractors", null, 10)).Items.Select(item => item.Id.Id));
    }

    /// <summary>Leaves a key in the storage whose tenant is not there.</summary>
    private async Task<string> LeaveKey()
    {
        await _fleet.Import(WithoutContractors);
        await _fleet.Put(FleetItemKind.Tenant, "contractors", "{}");
        var bob = await Make("contractors/bob", """{"role": "owner"}""");
        var version = View.Version;
        List<FleetRow> deleted =
        [
            new(FleetRowKind.Tenant, "contractors", version + 1, null), new(FleetRowKind.Managed, "tenant/contractors", version + 1, null),
        ];
        await _fleet.Silo.Services.GetRequiredService<IFleetStore>().Commit(version, version + 1, deleted);
        await _fleet.Silo.RestartAsync();
        await View.Refresh();
        return bob;
    }

    private async Task<string> Make(string key, string json)
    {
        var made = NewApiKey.Create();
        await _fleet.Edit(
            FleetEditAction.Put, FleetItemKind.Key, key,
            edit => edit with { Json = json, Key = made.Stored, Expected = FleetEdit.New, IsByOwner = true });
        return made.Stored.Hash;
    }

    private async Task<string> MakeOwner()
    {
        await _fleet.Put(FleetItemKind.Tenant, "ops", "{}");
        return await Make("ops/one", """{"role": "owner"}""");
    }

    private async Task<(string First, string Second)> RotateOnce()
    {
        await _fleet.Import(File);
        var (first, second) = (await Make("contractors/app", "{}"), NewApiKey.Create());
        await Rotate(second, TimeSpan.FromHours(1));
        return (first, second.Stored.Hash);
    }

    private Task<FleetEdited> Rotate(NewApiKey key, TimeSpan overlap, bool isLost = false) => _fleet.Edit(
        FleetEditAction.Rotate, FleetItemKind.Key, "contractors/app", edit => edit with { Key = key.Stored, Overlap = overlap, ReplacesLost = isLost });

    private Task<FleetEdited> EditAsOwner(FleetEditAction action, string key, string json) =>
        _fleet.Edit(action, FleetItemKind.Key, key, edit => edit with { Json = json, IsByOwner = true });

    private static async Task<ClusterException> Refused(ErrorCode code, Func<Task> change)
    {
        var refused = await Assert.ThrowsAsync<ClusterException>(change);
        Assert.Equal(code, refused.Code);
        return refused;
    }
}
