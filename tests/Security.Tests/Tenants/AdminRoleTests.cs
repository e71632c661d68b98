namespace CozeCluster.Security.Tests.Tenants;

/// <summary>Every route of operators says which roles may use it, and each role gets exactly that.</summary>
[Collection(nameof(TenantsNode))]
public sealed class AdminRoleTests(TenantsFixture node)
{
    // From the role that may do the least to the one that may do the most.
    private static readonly (string Name, string Key)[] Keys =
        [("viewer", TestFleet.ViewerKey), ("operator", TestFleet.OperatorKey), ("owner", TestFleet.AdminKey)];

    public static TheoryData<string> Routes => [.. AdminRouteCases.Roles.Keys];

    [Fact]
    public void The_route_table_has_the_roles_of_this_table() => Assert.Equal(
        AdminRouteCases.Roles.OrderBy(route => route.Key, StringComparer.Ordinal).Select(route => $"{route.Key}: {route.Value}"),
        HttpRoutes.OfOperators.OrderBy(route => route.Key, StringComparer.Ordinal).Select(route => $"{route.Key}: {(route.Value is { } roles
            ? WireName.Of(roles.MinimumRole) + (roles.TenantAdmins ? " tenant_admin" : "")
            : "nobody says who may use it")}"));

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Each_role_gets_what_the_table_says(string route)
    {
        var roles = AdminRouteCases.Roles[route].Split(' ');
        var unknown = node.Victim.Unknown();
        var least = Array.FindIndex(Keys, key => key.Name == roles[0]);
        Assert.NotEqual(-1, least);
        // Prompts and replies need another role than the rest of their routes.
        foreach (var attack in RouteCases.All[route].Attacks(unknown).Where(attack => !attack.Path.Contains("content=true", StringComparison.Ordinal)))
        {
            for (var i = 0; i < Keys.Length; i++) await AssertAllowed(i >= least, attack, Keys[i].Key);
            await AssertAllowed(roles.Contains("tenant_admin"), attack, TestFleet.TenantAdminKey);
            await AssertAllowed(false, attack, TestFleet.Key);
        }
    }

    private async Task AssertAllowed(bool isAllowed, Attack attack, string key)
    {
        using var response = await node.Http.RequestAsync(attack.Method, attack.Path, key, attack.Body?.DeepClone(), headers: null, TestTimeout.Token);
        var status = (int)response.StatusCode;
        Assert.True(isAllowed ? status is not (401 or 403) and < 500 : status == 403, $"{attack.Method} {attack.Path} with {key}: {status}");
    }
}
