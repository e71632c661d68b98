using System.Text.Json.Nodes;

namespace CozeCluster.Silo.Tests.Documents;

/// <summary>Whatever is imported and changed, in whatever order: managed things stay as the API left them, and the fleet is always valid.</summary>
public sealed class ManagedFleetPropertyTests
{
    private const int Steps = 60;
    private static readonly FleetItemKind[] Kinds = [FleetItemKind.Account, FleetItemKind.Bot, FleetItemKind.Model];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task AnySequence_KeepsManagedThingsAndAValidFleet(int seed)
    {
        var random = new Random(seed);
        await using var fleet = await ManagedFleet.Start();
        var managed = new Dictionary<FleetItemId, string>();
        var (applied, refused) = (0, 0);
        for (var step = 0; step < Steps; step++)
        {
            var item = new FleetItemId(Kinds[random.Next(Kinds.Length)], $"x{random.Next(3)}");
            try
            {
                switch (random.Next(6))
                {
                    case 0 or 1:
                        await fleet.Import(RandomFile(random));
                        break;
                    case 2:
                        var released = await fleet.Release(item.Kind, item.Id);
                        managed[item] = released.Item!.Json;
                        break;
                    case 3:
                        var deleted = await fleet.Delete(item.Kind, item.Id);
                        managed.Remove(item);
                        Assert.Equal(deleted.Item is not null, deleted.Item?.IsInFile == true);
                        break;
                    default:
                        var put = await fleet.Put(item.Kind, item.Id, RandomItem(random, item.Kind));
                        managed[item] = put.Item!.Json;
                        break;
                }
                applied++;
            }
            catch (ClusterException exception) when (exception.Code is ErrorCode.InvalidRequest or ErrorCode.Conflict or ErrorCode.NotFound)
            {
                refused++;
            }
            var whole = FullFleetOf(fleet, (await fleet.Catalog.Export(withSecrets: true)).Json);
            fleet.Documents.Check(whole, null);
            foreach (var (known, json) in managed)
            {
                var now = await fleet.Read(known.Kind, known.Id);
                Assert.True(now.IsManaged);
                Assert.Equal(json, now.Json);
            }
        }
        Assert.True(applied > Steps / 4 && refused > 0, $"{applied} applied, {refused} refused");
    }

    /// <summary>A change of a key is checked with a part of the fleet: it is refused as the whole check refuses it, and for the same reason.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnyChangeOfAKey_IsCheckedAsTheWholeFleetIs(int seed)
    {
        var random = new Random(seed);
        await using var fleet = await ManagedFleet.Start(KeysFile);
        await fleet.Put(FleetItemKind.Tenant, "u", """{"aliases": {"fast": "all"}, "default_model": "fast"}""");
        var (applied, refused, withoutModel) = (0, 0, 0);
        for (var step = 0; step < Steps; step++)
        {
            var (tenant, name) = (random.Next(2) == 0 ? "t" : "u", $"k{random.Next(3)}");
            var item = FleetItemId.Key(tenant, name);
            var key = RandomKey(random);
            var whole = JsonNode.Parse((await fleet.Catalog.Export(withSecrets: true)).Json)!;
            var isThere = await fleet.Catalog.ReadItem(item) is not null;
            if (isThere && random.Next(4) == 0)
            {
                await fleet.Delete(item.Kind, item.Id);
                fleet.Documents.Check(FullFleetOf(fleet, (await fleet.Catalog.Export(withSecrets: true)).Json), null);
                continue;
            }
            var owner = whole["tenants"]!.AsArray().Single(one => (string)one!["id"]! == tenant)!.AsObject();
            if (owner["keys"] is null) owner["keys"] = new JsonArray();
            var keys = owner["keys"]!.AsArray();
            if (keys.SingleOrDefault(one => (string)one!["name"]! == name) is { } before) keys.Remove(before);
            var declared = key.DeepClone().AsObject();
            declared["name"] = name;
            keys.Add(declared);

            var expected = Record.Exception(() => fleet.Documents.Check(FullFleetOf(fleet, whole.ToJsonString()), item)) as ClusterException;
            var actual = await Record.ExceptionAsync(() => fleet.Put(item.Kind, item.Id, key.ToJsonString())) as ClusterException;

            // The catalog finds a secret that is used twice by its row, and another check says so.
            Assert.Equal(expected is null, actual is null);
            if (actual is { Param: "models[0]" })
            {
                Assert.Equal((expected!.Message, expected.Param), (actual.Message, actual.Param));
                withoutModel++;
            }
            if (actual is null) applied++;
            else refused++;
        }
        Assert.True(
            applied > Steps / 5 && refused > withoutModel && withoutModel > Steps / 5, $"{applied} applied, {refused} refused, {withoutModel} without a model");
    }

    private const string KeysFile = """
        tenants: [{ id: t, keys: [{ name: file, key: first-random-key-91f2, models: [mine] }], aliases: { quick: all } }]
        accounts: [{ id: a, upstream: coze, token: file-token }]
        bots: [{ id: b, upstream: coze, bot_id: "1", accounts: [a] }]
        models: [{ id: all, bots: [b] }, { id: mine, bots: [b], tenants: [t] }, { id: other, bots: [b], tenants: [t], hidden: true }]
        """;

    private static JsonObject RandomKey(Random random)
    {
        string[] models = ["all", "mine", "other", "al", "nothing", "fast"];
        var key = new JsonObject { ["hash"] = Hash(random.Next(40)) };
        if (random.Next(3) > 0) key["models"] = new JsonArray(models[random.Next(models.Length)]);
        if (random.Next(3) == 0) key["previous"] = new JsonObject { ["hash"] = Hash(random.Next(40)), ["until"] = "2035-01-01" };
        return key;

        static string Hash(int number) => number == 0 ? GrainKeys.ApiKeyHash("first-random-key-91f2") : $"{number:x64}";
    }

    private static Fleet FullFleetOf(ManagedFleet fleet, string json) => fleet.Documents.Read(json, Fleet.Empty);

    private static string RandomFile(Random random)
    {
        // Every file is valid by itself.
        var (accounts, bots) = (Math.Max(1, random.Next(4)), Math.Max(1, random.Next(4)));
        var lines = new List<string> { "tenants: [{ id: t, keys: [{ name: app, key: first-random-key-91f2 }] }]", "accounts:" };
        for (var i = 0; i < accounts; i++) lines.Add($"  - {{ id: x{i}, upstream: coze, token: file-{i}-{random.Next(100)} }}");
        lines.Add("bots:");
        for (var i = 0; i < bots; i++) lines.Add($"  - {{ id: x{i}, upstream: coze, bot_id: \"{random.Next(9)}\", accounts: [x{random.Next(accounts)}] }}");
        lines.Add("models:");
        var models = Math.Max(1, random.Next(4));
        for (var i = 0; i < models; i++) lines.Add($"  - {{ id: x{i}, bots: [x{random.Next(bots)}], hidden: {(i == random.Next(3) ? "true" : "false")} }}");
        return string.Join('\n', lines);
    }

    private static string RandomItem(Random random, FleetItemKind kind) => kind switch
    {
        FleetItemKind.Account => $$"""{"upstream": "{{(random.Next(5) == 0 ? "openai" : "coze")}}", "token": "api-{{random.Next(1000)}}"}""",
        FleetItemKind.Bot => $$"""{"upstream": "coze", "bot_id": "{{random.Next(9)}}", "accounts": ["x{{random.Next(4)}}"]}""",
        _ => $$"""{"bots": ["x{{random.Next(4)}}"]}""",
    };
}
