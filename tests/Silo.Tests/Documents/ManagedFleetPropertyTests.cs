
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
