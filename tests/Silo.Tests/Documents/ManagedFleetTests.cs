using System.Text.Json.Nodes;

namespace CozeCluster.Silo.Tests.Documents;

public sealed class ManagedFleetTests : IAsyncLifetime
{
    private const string File = """
        tenants: [{ id: t, keys: [{ name: app, key: first-random-key-91f2 }] }]
        accounts: [{ id: a, upstream: coze, token: file-token }]
        bots: [{ id: b, upstream: coze, bot_id: "1", accounts: [a] }]
        models: [{ id: m, bots: [b] }]
        """;

    private ManagedFleet _fleet = null!;

    public async ValueTask InitializeAsync() => _fleet = await ManagedFleet.Start();

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task Change_OnAnEmptyCluster_MakesEverythingThatAChatNeeds()
    {
        var key = NewApiKey.Create();

        await _fleet.Put(FleetItemKind.Tenant, "t", "{}", FleetEdit.New);
        await _fleet.Edit(FleetEditAction.Put, FleetItemKind.Key, "t/app", edit => edit with { Json = "{}", Key = key.Stored });
        await _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "coze", "token": "api-token"}""");
        await _fleet.Put(FleetItemKind.Bot, "b", """{"upstream": "coze", "bot_id": "1", "accounts": ["a"]}""");
        await _fleet.Put(FleetItemKind.Model, "m", """{"bots": ["b"]}""");

        var view = _fleet.Silo.Fleet;
        var found = view.FindKey(key.Stored.Hash)!;
        Assert.Equal(("t", "app", key.Stored.Hint), (found.TenantId, found.Name, found.Hint));
        Assert.Equal(["m"], view.ListModels("t").Select(model => model.Id));
        Assert.Equal("api-token", FullFleet.Seal.Open(view.FindAccount("a")!.Token!));
        Assert.NotNull(view.Ids);
    }

    [Fact]
    public async Task Change_OfWhatTheFileDeclares_IsRefusedUntilItIsReleased()
    {
        await _fleet.Import(File);

        await Refused(ErrorCode.Conflict, () => _fleet.Patch(FleetItemKind.Bot, "b", """{"max_concurrent_turns": 2}"""));
        await Refused(ErrorCode.Conflict, () => _fleet.Delete(FleetItemKind.Bot, "b"));
        await _fleet.Release(FleetItemKind.Bot, "b");
        var changed = await _fleet.Patch(FleetItemKind.Bot, "b", """{"max_concurrent_turns": 2}""");

        Assert.Equal((true, true, "test"), (changed.Item!.IsManaged, changed.Item.IsInFile, changed.Item.ManagedBy));
        Assert.Equal(2, _fleet.Silo.Fleet.FindBot("b")!.MaxConcurrentTurns);
    }

    [Fact]
    public async Task Import_OfAChangedFile_KeepsManagedThingsAndReturnsThem()
    {
        await _fleet.Import(File);
        await _fleet.Release(FleetItemKind.Account, "a");
        await _fleet.Patch(FleetItemKind.Account, "a", """{"token": "api-token"}""");
        await _fleet.Put(FleetItemKind.Model, "mine", """{"bots": ["b"]}""");

        var import = await _fleet.Import(File.Replace("file-token", "other-token", StringComparison.Ordinal));

        Assert.Equal([new(FleetItemKind.Account, "a")], import.Unchanged);
        Assert.Equal("api-token", FullFleet.Seal.Open(_fleet.Silo.Fleet.FindAccount("a")!.Token!));
        Assert.Equal(["m", "mine"], _fleet.Silo.Fleet.ListModels("t").Select(model => model.Id));
    }

    [Fact]
    public async Task Delete_OfAReleasedThing_MakesItWhatTheFileSaysNow()
    {
        await _fleet.Import(File);
        await _fleet.Release(FleetItemKind.Account, "a");
        await _fleet.Patch(FleetItemKind.Account, "a", """{"token": "api-token"}""");
        await _fleet.Import(File.Replace("file-token", "other-token", StringComparison.Ordinal));

        var deleted = await _fleet.Delete(FleetItemKind.Account, "a");

        Assert.False(deleted.Item!.IsManaged);
        Assert.Equal("other-token", FullFleet.Seal.Open(_fleet.Silo.Fleet.FindAccount("a")!.Token!));
        await Refused(ErrorCode.Conflict, () => _fleet.Patch(FleetItemKind.Account, "a", """{"token": "x"}"""));
    }

    [Fact]
    public async Task Import_WithoutWhatAManagedThingNeeds_IsRefusedAndNamesIt()
    {
        await _fleet.Import(File);
        await _fleet.Put(FleetItemKind.Model, "mine", """{"bots": ["b"]}""");

        var changed = File.Replace(": b", ": other", StringComparison.Ordinal).Replace("[b]", "[other]", StringComparison.Ordinal);
        var refused = await Refused(ErrorCode.InvalidRequest, () => _fleet.Import(changed));

        Assert.Equal("models[mine].bots[0]: There is no bot 'b'.", refused.Message);
        Assert.NotNull(_fleet.Silo.Fleet.FindBot("b"));
    }

    [Fact]
    public async Task Delete_OfWhatOthersNeed_IsRefused()
    {
        await _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "coze", "token": "x"}""");
        await _fleet.Put(FleetItemKind.Bot, "b", """{"upstream": "coze", "bot_id": "1", "accounts": ["a"]}""");

        var refused = await Refused(ErrorCode.InvalidRequest, () => _fleet.Delete(FleetItemKind.Account, "a"));

        Assert.Contains("bots[b].accounts[0]: There is no account 'a'.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Change_WithAnOldVersion_IsRefused()
    {
        var made = await _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "coze", "token": "x"}""", FleetEdit.New);
        var second = await _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "coze", "token": "y"}""", made.Item!.Version);

        await Refused(ErrorCode.PreconditionFailed, () => _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "coze", "token": "z"}""", made.Item.Version));
        await Refused(ErrorCode.PreconditionFailed, () => _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "coze", "token": "z"}""", FleetEdit.New));
        await Refused(ErrorCode.NotFound, () => _fleet.Put(FleetItemKind.Account, "other", """{"upstream": "coze", "token": "z"}""", FleetEdit.AnyVersion));

        Assert.True(second.Item!.Version > made.Item.Version);
        Assert.Equal("y", FullFleet.Seal.Open(_fleet.Silo.Fleet.FindAccount("a")!.Token!));
    }

    [Fact]
    public async Task Rotate_KeepsTheOldKeyForTheOverlap()
    {
        var (first, second, third) = (NewApiKey.Create(), NewApiKey.Create(), NewApiKey.Create());
        await _fleet.Put(FleetItemKind.Tenant, "t", "{}");
        const string Limited = """{"limits": {"requests_per_minute": 5}}""";
        await _fleet.Edit(FleetEditAction.Put, FleetItemKind.Key, "t/app", edit => edit with { Json = Limited, Key = first.Stored });
        var view = _fleet.Silo.Fleet;

        await _fleet.Edit(FleetEditAction.Rotate, FleetItemKind.Key, "t/app", edit => edit with { Key = second.Stored, Overlap = TimeSpan.FromHours(24) });

        Assert.Equal(_fleet.Silo.Time.GetUtcNow().AddHours(24), view.FindKey(first.Stored.Hash)!.ExpiresAt);
        Assert.Null(view.FindKey(second.Stored.Hash)!.ExpiresAt);
        Assert.Equal(5, view.FindKeyLimits("t", "app")!.RequestsPerMinute);

        await _fleet.Edit(FleetEditAction.Rotate, FleetItemKind.Key, "t/app", edit => edit with { Key = third.Stored });

        Assert.Null(view.FindKey(first.Stored.Hash));
        Assert.Null(view.FindKey(second.Stored.Hash));
        Assert.NotNull(view.FindKey(third.Stored.Hash));
    }

    [Fact]
    public async Task Patch_OfAKey_KeepsItsSecretAndItsOverlap()
    {
        var (first, second) = (NewApiKey.Create(), NewApiKey.Create());
        await _fleet.Put(FleetItemKind.Tenant, "t", "{}");
        await _fleet.Edit(FleetEditAction.Put, FleetItemKind.Key, "t/app", edit => edit with { Json = "{}", Key = first.Stored });
        await _fleet.Edit(FleetEditAction.Rotate, FleetItemKind.Key, "t/app", edit => edit with { Key = second.Stored, Overlap = TimeSpan.FromHours(1) });

        await _fleet.Patch(FleetItemKind.Key, "t/app", """{"disabled": true}""");

        Assert.True(_fleet.Silo.Fleet.FindKey(first.Stored.Hash)!.Disabled);
        Assert.True(_fleet.Silo.Fleet.FindKey(second.Stored.Hash)!.Disabled);
        Assert.Equal(second.Stored.Hint, _fleet.Silo.Fleet.FindKey(second.Stored.Hash)!.Hint);
    }

    [Fact]
    public async Task Change_OfAdminKeysByOthersThanOwners_IsRefused()
    {
        await _fleet.Put(FleetItemKind.Tenant, "t", "{}");
        await _fleet.Edit(FleetEditAction.Put, FleetItemKind.Key, "t/boss", edit => edit with
        {
            Json = """{"role": "owner"}""", Key = NewApiKey.Create().Stored, MayChangeAdmins = true,
        });

        await Refused(ErrorCode.PermissionDenied, () => _fleet.Delete(FleetItemKind.Key, "t/boss"));
        await Refused(ErrorCode.PermissionDenied, () => _fleet.Patch(FleetItemKind.Key, "t/boss", """{"role": null}"""));
        await Refused(ErrorCode.PermissionDenied, () => _fleet.Delete(FleetItemKind.Tenant, "t"));
        await Refused(
            ErrorCode.PermissionDenied,
            () => _fleet.Edit(FleetEditAction.Put, FleetItemKind.Key, "t/other", edit => edit with
            {
                Json = """{"role": "viewer"}""", Key = NewApiKey.Create().Stored,
            }));
    }

    [Fact]
    public async Task Put_IdWithASpaceAtItsEnd_IsRefusedAndChangesNothing()
    {
        await _fleet.Import(File);
        await _fleet.Put(FleetItemKind.Account, "mine", """{"upstream": "coze", "token": "x"}""");
        var boss = $$"""{"role": "owner", "hash": "{{new string('b', 64)}}"}""";
        await _fleet.Edit(FleetEditAction.Put, FleetItemKind.Key, "t/boss", edit => edit with { Json = boss, MayChangeAdmins = true });
        var low = $$"""{"hash": "{{new string('0', 63)}}1"}""";
        var version = _fleet.Silo.Fleet.Version;

        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Tenant, " t", """{"max_concurrent_turns": 1}""", FleetEdit.New));
        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Account, "mine ", """{"upstream": "coze", "token": "y"}""", FleetEdit.New));
        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Key, "t/boss ", low, FleetEdit.New));
        await Refused(ErrorCode.NotFound, () => _fleet.Put(FleetItemKind.Key, "t /new", low, FleetEdit.New));

        Assert.Equal(version, _fleet.Silo.Fleet.Version);
    }

    [Fact]
    public async Task Put_KeyWhoseFormerSecretIsItsSecret_IsRefused()
    {
        await _fleet.Put(FleetItemKind.Tenant, "t", "{}");
        var hash = new string('a', 64);

        var refused = await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(
            FleetItemKind.Key, "t/app", $$"""{"hash": "{{hash}}", "previous": { "hash": "{{hash}}", "until": "2035-01-01" } }"""));

        Assert.Contains("same secret", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Put_OfAnotherUpstream_DoesNotKeepTheToken()
    {
        await _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "openai", "token": "x"}""");

        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Account, "a", """{"upstream": "gemini", "token": "(secret)"}"""));
    }

    [Fact]
    public async Task Change_AfterWhichNoOwnerIsLeft_IsRefused()
    {
        await _fleet.Put(FleetItemKind.Tenant, "ops", "{}");
        await PutOwner("one", 'a');
        await PutOwner("two", 'b');
        await Delete("one");

        await Refused(ErrorCode.Conflict, () => Delete("two"));
        await Refused(ErrorCode.Conflict, () =>
            _fleet.Edit(FleetEditAction.Patch, FleetItemKind.Key, "ops/two", edit => edit with { Json = """{"disabled": true}""", MayChangeAdmins = true }));

        Task<FleetEdited> PutOwner(string name, char digit) => _fleet.Edit(
            FleetEditAction.Put, FleetItemKind.Key, $"ops/{name}",
            edit => edit with { Json = $$"""{"role": "owner", "hash": "{{new string(digit, 64)}}"}""", MayChangeAdmins = true });
        Task<FleetEdited> Delete(string name) =>
            _fleet.Edit(FleetEditAction.Delete, FleetItemKind.Key, $"ops/{name}", edit => edit with { MayChangeAdmins = true });
    }

    [Theory]
    [InlineData("""{"tenants": [{"id": "a", "keys": [{"name": "k", "hash": "HASH"}]}, {"id": "b", "keys": [{"name": "k", "hash": "HASH"}]}]}""")]
    [InlineData("""{"tenants": [{"id": "a", "keys": [{"name": "k", "hash": "HASH"}, {"name": "k", "key": "another-random-key-1f"}]}]}""")]
    [InlineData("""{"tenants": [{"id": "a"}, {"id": "a"}]}""")]
    public async Task ImportDocument_ThatDeclaresSomethingTwice_IsRefused(string document)
    {
        var text = document.Replace("HASH", new string('c', 64), StringComparison.Ordinal);

        await Refused(ErrorCode.InvalidRequest, () => _fleet.Catalog.ImportDocument(new FleetDocument(text, "test")));
    }

    [Fact]
    public async Task Put_KeyWithTheSecretOfAnotherOne_IsRefused()
    {
        await _fleet.Import(File);
        await _fleet.Put(FleetItemKind.Tenant, "other", "{}");

        var hash = GrainKeys.ApiKeyHash("first-random-key-91f2");
        await Refused(ErrorCode.InvalidRequest, () => _fleet.Put(FleetItemKind.Key, "other/app", $$"""{"hash": "{{hash}}"}"""));

        Assert.Equal("t", _fleet.Silo.Fleet.FindKey(hash)!.TenantId);
    }

    [Fact]
    public async Task ImportDocument_OfTheExport_ChangesNothing()
    {
        await _fleet.Import(FullFleet.Text);
        await _fleet.Put(FleetItemKind.Model, "mine", """{"bots": ["poet"]}""");

        foreach (var withSecrets in (bool[])[true, false])
        {
            var export = await _fleet.Catalog.Export(withSecrets);
            var import = await _fleet.Catalog.ImportDocument(new FleetDocument(export.Json, "test") { Expected = export.Version });
            Assert.Equal((export.Version, 0), (import.Version, import.Differences.Count));
        }
    }

    [Fact]
    public async Task ImportDocument_ToAnEmptyCluster_MakesTheSameFleet()
    {
        await using var source = await ManagedFleet.Start(FullFleet.Text);
        var export = await source.Catalog.Export(withSecrets: true);

        var import = await _fleet.Catalog.ImportDocument(new FleetDocument(export.Json, "test"));

        Assert.All(import.Differences.Where(one => one.Item.Kind != FleetItemKind.Settings), one => Assert.Equal(FleetDifferenceKind.Created, one.Change));
        Assert.Equal(export.Json, (await _fleet.Catalog.Export(withSecrets: true)).Json);
        Assert.True((await _fleet.Read(FleetItemKind.Bot, "poet")).IsManaged);
    }

    [Fact]
    public async Task ImportDocument_DryRun_SaysWhatItWouldDo()
    {
        await _fleet.Import(File);
        await _fleet.Put(FleetItemKind.Account, "mine", """{"upstream": "coze", "token": "x"}""");
        await _fleet.Put(FleetItemKind.Account, "gone", """{"upstream": "coze", "token": "z"}""");
        var document = JsonNode.Parse((await _fleet.Catalog.Export(withSecrets: true)).Json)!;
        document["bots"]![0]!["max_concurrent_turns"] = 3;
        var accounts = document["accounts"]!.AsArray();
        accounts.Remove(accounts.Single(account => (string)account!["id"]! == "gone"));
        accounts.Single(account => (string)account!["id"]! == "mine")!["token"] = "y";
        accounts.Add(new JsonObject { ["id"] = "new", ["upstream"] = "coze", ["token"] = "n" });

        var dryRun = await _fleet.Catalog.ImportDocument(new FleetDocument(document.ToJsonString(), "test") { IsDryRun = true });

        Assert.Equal(
            ["account gone Deleted ", "account mine Changed secret", "account new Created ", "bot b Refused max_concurrent_turns"],
            dryRun.Differences.Select(one => $"{WireName.Of(one.Item.Kind)} {one.Item.Id} {one.Change} {string.Join(",", one.Fields)}"));
        var refused = await Refused(ErrorCode.Conflict, () => _fleet.Catalog.ImportDocument(new FleetDocument(document.ToJsonString(), "test")));
        Assert.Contains("bot 'b' comes from the fleet file", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(await _fleet.Catalog.ReadItem(new(FleetItemKind.Account, "gone")));
    }

    [Fact]
    public async Task ImportDocument_DryRunWithoutWhatTheFileDeclares_SaysThatItIsRefused()
    {
        await _fleet.Import(File);
        var document = JsonNode.Parse((await _fleet.Catalog.Export(withSecrets: true)).Json)!;
        document.AsObject().Remove("models");

        var dryRun = await _fleet.Catalog.ImportDocument(new FleetDocument(document.ToJsonString(), "test") { IsDryRun = true });

        var refused = Assert.Single(dryRun.Differences, one => one.Item == new FleetItemId(FleetItemKind.Model, "m"));
        Assert.Equal(FleetDifferenceKind.Refused, refused.Change);
        Assert.Contains("bots", refused.Fields);
    }

    [Fact]
    public async Task Settings_AreManagedWhereThereIsNoFile()
    {
        await _fleet.Put(FleetItemKind.Tenant, "t", "{}");

        await _fleet.Put(FleetItemKind.Settings, "fleet", """{"endpoints": [{"id": "old", "path": "/old", "compat": "cdp"}]}""");

        Assert.Equal("old", Assert.Single(_fleet.Silo.Fleet.Endpoints.All).Id);
        await _fleet.Import(File);
        Assert.Equal("old", Assert.Single(_fleet.Silo.Fleet.Endpoints.All).Id);
        await _fleet.Delete(FleetItemKind.Settings, "fleet");
        Assert.Empty(_fleet.Silo.Fleet.Endpoints.All);
    }

    [Fact]
    public async Task Changes_SurviveARestart()
    {
        await _fleet.Import(File);
        await _fleet.Put(FleetItemKind.Account, "mine", """{"upstream": "coze", "token": "x"}""");
        await _fleet.Silo.RestartAsync();

        await _fleet.Import(File.Replace("file-token", "other-token", StringComparison.Ordinal));

        Assert.True((await _fleet.Read(FleetItemKind.Account, "mine")).IsManaged);
        var page = await _fleet.Catalog.ListItems(FleetItemKind.Account, null, null, 1);
        Assert.Equal(["a"], page.Items.Select(item => item.Id.Id));
        Assert.Equal(["mine"], (await _fleet.Catalog.ListItems(FleetItemKind.Account, null, page.Next, 1)).Items.Select(item => item.Id.Id));
    }

    private static async Task<ClusterException> Refused(ErrorCode code, Func<Task> change)
    {
        var refused = await Assert.ThrowsAsync<ClusterException>(change);
        Assert.Equal(code, refused.Code);
        return refused;
    }
}
