using System.Text.Json;

namespace CozeCluster.Grains.Tests;

/// <summary>The names under which requests find models.</summary>
public sealed class ModelNamesTests
{
    private static readonly FleetIndex Index = Build();

    [Theory]
    [InlineData("t1", "plain", "plain")]
    [InlineData("t2", "plain", "plain")]
    [InlineData("t1", "only-two", null)]
    [InlineData("t1", "gpt-4", "plain")]
    [InlineData("t1", "gpt-4-turbo", "hidden")]
    [InlineData("t1", "my-gpt-4-mini", "hidden")]
    [InlineData("t2", "gpt-4", "only-two")]
    [InlineData("t2", "anything", "only-two")]
    [InlineData("t1", "b1", "b1")]
    [InlineData("t1", "7001", "b1")]
    [InlineData("t1", "b2", null)]
    [InlineData("t2", "b2", "b2")]
    [InlineData("t1", "b3", "b3")]
    [InlineData("t1", "", null)]
    public void FindModel_FindsIdsAliasesAndBots(string tenant, string name, string? expected)
    {
        var found = Index.FindModel(tenant, name);

        Assert.Equal(expected, found?.Id);
        Assert.Equal(found?.Bots, found is null ? null : Index.FindModel(tenant, found.Id)!.Bots);
    }

    [Fact]
    public void BotAsModel_HasOnlyThatBot()
    {
        var found = Index.FindModel("t1", "7001")!;

        Assert.Equal(["b1"], found.Bots);
        Assert.Empty(found.Fallback);
    }

    [Fact]
    public void ListModels_OmitsHiddenModelsAndPatterns()
    {
        Assert.Equal(["plain", "gpt-4"], Index.ListModels("t1").Select(model => model.Id));
        Assert.Equal(["plain", "only-two"], Index.ListModels("t2").Select(model => model.Id));
    }

    [Theory]
    [InlineData("a*", "a", true)]
    [InlineData("a*", "abc", true)]
    [InlineData("a*", "ba", false)]
    [InlineData("*a", "bca", true)]
    [InlineData("a*a", "a", false)]
    [InlineData("a*a", "aa", true)]
    [InlineData("a*b*c", "axbxc", true)]
    [InlineData("a*b*c", "axc", false)]
    [InlineData("*b*b*", "abcb", true)]
    [InlineData("*b*b*", "ab", false)]
    [InlineData("*", "", true)]
    [InlineData("A*", "abc", false)]
    public void Pattern_Matches(string pattern, string name, bool expected) => Assert.Equal(expected, new ModelAlias(pattern, "m").Matches(name));

    private static FleetIndex Build()
    {
        FleetRow[] rows =
        [
            Row(
                FleetRowKind.Settings, FleetSettings.Id,
                JsonSerializer.SerializeToUtf8Bytes(new FleetSettings(["plain", "hidden", "only-two"]), StateJson.Default.FleetSettings)),
            Tenant(new TenantDefinition { Id = "t1", Aliases = [new("*gpt-4*", "hidden"), new("gpt-4", "plain"), new("x*", "only-two")] }),
            Tenant(new TenantDefinition { Id = "t2", Aliases = [new("*", "only-two")] }),
            Bot("b1", "7001"), Bot("b2", "7002"), Bot("b3", "7003"),
            Model(new ModelDefinition { Id = "plain", Bots = ["b1"], Fallback = ["b3"] }),
            Model(new ModelDefinition { Id = "hidden", Bots = ["b1"], Tenants = ["t1"], Hidden = true }),
            Model(new ModelDefinition { Id = "only-two", Bots = ["b2"], Tenants = ["t2"] }),
        ];
        return FleetIndex.Empty.With(1, isFull: true, rows, (row, exception) => throw exception);
    }

    private static FleetRow Row(FleetRowKind kind, string id, byte[] payload) => new(kind, id, 1, payload);

    private static FleetRow Tenant(TenantDefinition tenant) =>
        Row(FleetRowKind.Tenant, tenant.Id, JsonSerializer.SerializeToUtf8Bytes(tenant, MessagesJson.Default.TenantDefinition));

    private static FleetRow Model(ModelDefinition model) =>
        Row(FleetRowKind.Model, model.Id, JsonSerializer.SerializeToUtf8Bytes(model, MessagesJson.Default.ModelDefinition));

    private static FleetRow Bot(string id, string upstreamId) => Row(
        FleetRowKind.Bot, id,
        JsonSerializer.SerializeToUtf8Bytes(
            new BotDefinition { Id = id, Upstream = "coze", UpstreamBotId = upstreamId, Accounts = ["a"] }, MessagesJson.Default.BotDefinition));
}
