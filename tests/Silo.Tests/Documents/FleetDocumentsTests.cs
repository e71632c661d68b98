using System.Collections;
using System.Reflection;
using System.Text.Json.Nodes;
using CozeCluster.Silo.Fleets.Documents;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Documents;

public sealed class FleetDocumentsTests
{
    private static readonly string[] NotInFiles = ["Fleet.Version", "Fleet.DeclaredVersion", "Fleet.SealKey", "ModelDefinition.CreatedAt"];

    private readonly FleetDocuments _documents = new(FullFleet.Seal);

    [Fact]
    public void TheFleetOfTheseTestsSetsEveryField()
    {
        var (known, set) = (new SortedSet<string>(), new HashSet<string>());
        Visit(FullFleet.Read(FullFleet.Text), known, set);

        Assert.Equal([], known.Except(set).Except(NotInFiles));
    }

    [Fact]
    public void Write_WithSecrets_IsAFleetFileWithTheSameContent()
    {
        var fleet = FullFleet.Read(FullFleet.Text);

        var written = _documents.Write(fleet, withSecrets: true);

        Assert.Equal(fleet.Version, FullFleet.Read(written).Version);
    }

    [Fact]
    public void Read_OfADocumentWithoutSecrets_KeepsTheStoredOnes()
    {
        var fleet = FullFleet.Read(FullFleet.Text);

        var read = _documents.Read(_documents.Write(fleet, withSecrets: false), fleet);

        Assert.Equal(fleet.Version, read.Version);
    }

    [Fact]
    public void Write_WithoutSecrets_HasNone()
    {
        var written = _documents.Write(FullFleet.Read(FullFleet.Text), withSecrets: false);

        foreach (var secret in (string[])["hook-secret", "hooks", "123456:ABC", "ear-token", "other-token", "pat_", "PRIVATE", "writer-token", "u:p@", "f8ee"])
            Assert.DoesNotContain(secret, written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FleetItemKind.Tenant, "acme")]
    [InlineData(FleetItemKind.Key, "acme/web site")]
    [InlineData(FleetItemKind.Listener, "other")]
    [InlineData(FleetItemKind.Account, "main")]
    [InlineData(FleetItemKind.Account, "service")]
    [InlineData(FleetItemKind.Account, "own")]
    [InlineData(FleetItemKind.Bot, "support-one")]
    [InlineData(FleetItemKind.Bot, "poet")]
    [InlineData(FleetItemKind.Model, "a/vectors")]
    [InlineData(FleetItemKind.Settings, "fleet")]
    public void ReadItem_OfWhatWasWritten_IsTheSameThing(FleetItemKind kind, string id)
    {
        var (item, fleet) = (new FleetItemId(kind, id), FullFleet.Read(FullFleet.Text));
        var only = Only(fleet, item);
        var json = JsonNode.Parse(_documents.WriteItem(item, fleet)!)!;
        if (kind == FleetItemKind.Settings) json["allow_weak_keys"] = true;

        var read = _documents.ReadItem(new FleetEdit(FleetEditAction.Put, item, "test") { Json = json.ToJsonString() }, only);

        Assert.Equal(_documents.Write(only, withSecrets: true), _documents.Write(read, withSecrets: true));
    }

    [Fact]
    public void ReadItem_NewSecretsAfterTheKeyWasLost_AreAccepted()
    {
        var fleet = FullFleet.Read(FullFleet.Text);
        var other = new FleetDocuments(new AesSecretSeal([.. Enumerable.Repeat((byte)9, AesSecretSeal.KeyBytes)]));
        var item = new FleetItemId(FleetItemKind.Account, "main");
        var only = Only(fleet, item);
        Fleet Read(FleetEditAction action, string json) => other.ReadItem(new FleetEdit(action, item, "test") { Json = json }, only);

        Assert.NotEqual(
            only.Accounts[0].Token,
            Read(FleetEditAction.Patch, """{"token": "pat_new", "proxy": null}""").Accounts[0].Token);
        Read(FleetEditAction.Put, """{"upstream": "coze", "token": "pat_new"}""");
        other.Read("""{"accounts": [{"id": "main", "upstream": "coze", "token": "pat_new"}]}""", fleet);

        var refused = Assert.Throws<ClusterException>(() => Read(FleetEditAction.Patch, """{"max_concurrent_turns": 3, "proxy": null}"""));
        Assert.Equal((ErrorCode.InvalidRequest, "token"), (refused.Code, refused.Param));
        Assert.Contains("cannot decrypt", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"token": "x", "base_url": "https://evil.example"}""", "'(secret)'", null)]
    [InlineData("""{"base_url": "https://evil.example", "token": "(secret)"}""", "only one for another server", "token")]
    [InlineData("""{"token": "(secret)", "proxy": "http://evil.example:80", "base_url": "http://coze.example/api"}""", "only one for another server", "token")]
    public void ReadItem_StoredSecretForAnotherServer_IsRefused(string members, string message, string? field)
    {
        var json = JsonNode.Parse(members)!.AsObject();
        json["upstream"] = "coze";
        var edit = new FleetEdit(FleetEditAction.Put, new(FleetItemKind.Account, "main"), "test") { Json = json.ToJsonString() };
        var stored = Only(FullFleet.Read(FullFleet.Text), edit.Item);

        if (field is null)
        {
            Assert.Equal("x", FullFleet.Seal.Open(Assert.Single(_documents.ReadItem(edit, stored).Accounts).Token!));
            return;
        }
        var refused = Assert.Throws<ClusterException>(() => _documents.ReadItem(edit, stored));
        Assert.Equal((ErrorCode.InvalidRequest, field), (refused.Code, refused.Param));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FleetItemKind.Account, "x", """{"upstream": "coze", "token_file": "/etc/passwd"}""", "token_file", "Files of a node cannot be named here")]
    [InlineData(FleetItemKind.Account, "x", """{"upstream": "coze", "token": "(secret)"}""", "token", "no secret is stored")]
    [InlineData(FleetItemKind.Account, "x", """{"upstream": "coze"}""", null, "Expected exactly one of 'token'")]
    [InlineData(FleetItemKind.Account, "x", """{"upstream": "discord", "token": "t", "options": {"kind": "user"}}""", "options.kind", "are refused")]
    [InlineData(FleetItemKind.Bot, "x", """{"upstream": "coze", "bot_id": "1", "accounts": ["main"], "max_turns": 1}""", "max_turns", "not a known key")]
    [InlineData(FleetItemKind.Bot, "x", """{"id": "y", "upstream": "coze"}""", "id", "in the address of the request")]
    [InlineData(FleetItemKind.Bot, "X", """{"upstream": "coze", "bot_id": "1", "accounts": ["main"]}""", "id", "Expected an id")]
    [InlineData(FleetItemKind.Bot, "x", """{"upstream": "coze", "upstream": "coze"}""", null, "has a member twice")]
    [InlineData(FleetItemKind.Bot, "x", """[1]""", null, "not a JSON object")]
    [InlineData(FleetItemKind.Tenant, "x", """{"keys": []}""", "keys", "one by one")]
    [InlineData(FleetItemKind.Key, "x/y", """{"key": "guess"}""", "key", "easy to guess")]
    [InlineData(FleetItemKind.Settings, "fleet", """{"bots": []}""", "bots", "Settings have")]
    public void ReadItem_Invalid_NamesTheField(FleetItemKind kind, string id, string json, string? field, string message)
    {
        var edit = new FleetEdit(FleetEditAction.Put, new(kind, id), "test") { Json = json };

        var refused = Assert.Throws<ClusterException>(() => _documents.ReadItem(edit, Fleet.Empty));

        Assert.Equal((ErrorCode.InvalidRequest, field), (refused.Code, refused.Param));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadItem_TextWithVariables_IsTakenAsItIs()
    {
        const string Json = """{"upstream": "coze", "bot_id": "${HOME}$$", "accounts": ["main"]}""";

        var read = _documents.ReadItem(new FleetEdit(FleetEditAction.Put, new(FleetItemKind.Bot, "x"), "test") { Json = Json }, Fleet.Empty);

        Assert.Equal("${HOME}$$", Assert.Single(read.Bots).UpstreamBotId);
    }

    [Fact]
    public void Read_DocumentWithVariables_NeverReadsTheEnvironment()
    {
        const string Yaml = "bots: [{ id: x, upstream: coze, bot_id: \"${PATH}\", accounts: [main] }]";

        var refused = Assert.Throws<ClusterException>(() => _documents.Read(Yaml, Fleet.Empty));

        Assert.Equal("bots[0].bot_id", refused.Param);
    }

    [Fact]
    public void ReadItem_Patch_ChangesOnlyItsMembers()
    {
        var fleet = FullFleet.Read(FullFleet.Text);
        var edit = new FleetEdit(FleetEditAction.Patch, new(FleetItemKind.Account, "main"), "test")
        {
            Json = """{"max_concurrent_turns": 3, "proxy": null}""",
        };

        var account = Assert.Single(_documents.ReadItem(edit, Only(fleet, edit.Item)).Accounts);

        Assert.Equal(fleet.Accounts[0] with { MaxConcurrentTurns = 3, Proxy = null, Options = account.Options }, account);
    }

    [Fact]
    public void Check_BrokenReference_NamesTheFieldOfTheChangedThing()
    {
        var fleet = FullFleet.Read(FullFleet.Text);
        var broken = fleet with { Models = [fleet.Models[0] with { Bots = ["nobody"] }, fleet.Models[1]] };

        var ofModel = Assert.Throws<ClusterException>(() => _documents.Check(broken, new(FleetItemKind.Model, "support")));
        var ofOthers = Assert.Throws<ClusterException>(() => _documents.Check(broken, new(FleetItemKind.Bot, "nobody")));

        Assert.Equal(("bots[0]", "There is no bot 'nobody'."), (ofModel.Param, ofModel.Message));
        Assert.Equal(("models[support].bots[0]", "models[support].bots[0]: There is no bot 'nobody'."), (ofOthers.Param, ofOthers.Message));
        _documents.Check(fleet, null);
    }

    private static Fleet Only(Fleet fleet, FleetItemId item) => item.Kind switch
    {
        FleetItemKind.Tenant => Fleet.Empty with { Tenants = [.. fleet.Tenants.Select(tenant => tenant with { Keys = [] })] },
        FleetItemKind.Key => Fleet.Empty with
        {
            Tenants = [new TenantDefinition { Id = item.TenantOfKey(), Keys = [fleet.Tenants[0].Keys.Single(key => key.Name == item.NameOfKey())] }],
        },
        FleetItemKind.Account => Fleet.Empty with { Accounts = [.. fleet.Accounts.Where(account => account.Id == item.Id)] },
        FleetItemKind.Listener => Fleet.Empty with { Listeners = [.. fleet.Listeners.Where(listener => listener.Id == item.Id)] },
        FleetItemKind.Bot => Fleet.Empty with { Bots = [.. fleet.Bots.Where(bot => bot.Id == item.Id)] },
        FleetItemKind.Model => Fleet.Empty with { Models = [.. fleet.Models.Where(model => model.Id == item.Id)] },
        _ => Fleet.Empty with { Notifications = fleet.Notifications, Endpoints = fleet.Endpoints },
    };

    /// <summary>Collects the properties of everything in a fleet, and those that have another value than a missing field.</summary>
    private static void Visit(object thing, ISet<string> known, ISet<string> set)
    {
        if (thing is Secret) return;
        foreach (var property in thing.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            var name = $"{thing.GetType().Name}.{property.Name}";
            var value = property.GetValue(thing);
            known.Add(name);
            // Only this flag is true where it is missing.
            var isSet = name == "TenantDefinition.StoreConversations" ? value is false : value is not (null or false or 0 or 0m or ICollection { Count: 0 });
            if (value is Enum mode) isSet = Convert.ToInt32(mode, null) != 0;
            if (isSet) set.Add(name);
            if (value is IEnumerable items and not string)
            {
                foreach (var item in items.Cast<object>().Where(IsOurs)) Visit(item, known, set);
            }
            else if (value is not null && IsOurs(value))
            {
                Visit(value, known, set);
            }
        }
    }

    private static bool IsOurs(object value) => value.GetType() is { IsClass: true, Namespace: "CozeCluster" };
}
