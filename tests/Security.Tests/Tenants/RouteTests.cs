using System.Text.Json;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>
/// On every route, the ids of another tenant are answered as ids that nothing has: nobody learns whether they exist, and nothing of the other tenant changes.
/// </summary>
[Collection(nameof(TenantsNode))]
public sealed class RouteTests(TenantsFixture node)
{
    public static TheoryData<string> Routes => [.. RouteCases.All.Keys];

    public static TheoryData<string> KeyRoutes => [.. RouteCases.All.Where(route => route.Value.Access != Access.Open).Select(route => route.Key)];

    [Fact]
    public void Every_route_has_a_case() => Assert.Equal(RouteCases.All.Keys.Order(StringComparer.Ordinal), HttpRoutes.All);

    [Fact]
    public async Task Every_operation_of_the_OpenAPI_document_of_the_node_has_a_case()
    {
        var document = await node.Http.RequestJsonAsync(HttpMethod.Get, "/openapi/v1.json", key: null);
        var operations = document.Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))
            .ToList();

        Assert.True(operations.Count > 10, "The document has no operations.");
        Assert.Empty(operations.Except(RouteCases.All.Keys.Select(route => route.Replace("{**", "{", StringComparison.Ordinal))));
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Ids_of_another_tenant_are_as_unknown_as_ids_that_nothing_has(string route)
    {
        var attacks = RouteCases.All[route].Attacks;
        var unknown = node.Victim.Unknown();
        // Attacks of other tests may have created conversations of the attacker with these names.
        foreach (var conversation in await node.ListConversationsAsync(TestFleet.OtherKey))
            await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/cozecluster/v1/conversations/{Uri.EscapeDataString(conversation)}", TestFleet.OtherKey);
        var before = await node.ReadVictimAsync();
        var answers = new List<(string Answer, string Expected)>();
        foreach (var (attack, control) in attacks(node.Victim).Zip(attacks(unknown)))
        {
            // The control is sent to the same state: whatever the attack created for the attacker exists for neither.
            var mayFail = RouteCases.All[route].FailsAsServer;
            var key = RouteCases.All[route].Access == Access.TenantAdmin ? TestFleet.OtherTenantAdminKey : TestFleet.OtherKey;
            answers.Add((await SendAsync(attack, key, node.Victim, mayFail), await SendAsync(control, key, unknown, mayFail)));
        }

        Assert.NotEmpty(answers);
        Assert.All(answers, pair => Assert.Equal(pair.Expected, pair.Answer));
        Assert.Equal(before, await node.ReadVictimAsync());
    }

    [Theory]
    [MemberData(nameof(KeyRoutes))]
    public async Task A_route_refuses_requests_without_its_kind_of_key(string route)
    {
        var tried = RouteCases.All[route];
        foreach (var attack in tried.Attacks(node.Victim))
        {
            Assert.StartsWith($"{tried.RefusedWith}", await StatusAsync(attack, key: null), StringComparison.Ordinal);
            Assert.Matches($"^({tried.RefusedWith}|429)", await StatusAsync(attack, key: "key-of-nobody"));
            var other = tried.Access is Access.Admin or Access.TenantAdmin ? TestFleet.OtherKey : TestFleet.AdminKey;
            Assert.StartsWith($"{tried.WrongKindWith}", await StatusAsync(attack, other), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/dashboard")]
    [InlineData("/dashboard/index.html")]
    [InlineData("/dashboard/api/Trace")]
    [InlineData("/dashboard/DashboardCounters")]
    public async Task The_dashboard_is_for_administrators_only(string path)
    {
        foreach (var key in new[] { null, TestFleet.Key, TestFleet.TenantAdminKey, "key-of-nobody" })
            Assert.Matches("^(401|429)", await StatusAsync(new Attack(HttpMethod.Get, path), key));
    }

    /// <summary>The answer in a form that does not depend on the ids, times and new ids in it.</summary>
    private async Task<string> SendAsync(Attack attack, string key, Ids ids, bool mayFail)
    {
        using var response = await RequestAsync(attack, key);
        var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
        var headers = string.Join('\n', response.Headers.Concat(response.Content.Headers).SelectMany(header => header.Value));
        Assert.DoesNotContain(TenantsFixture.Canary, text + headers, StringComparison.Ordinal);

        var status = (int)response.StatusCode;
        // 501 is a sentence about the route, whatever was sent.
        if (!mayFail && status != 501) Assert.NotInRange(status, 500, 599);
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
            return $"{attack.Method} {status} {ids.Mask(JsonDocument.Parse(text).RootElement.Text("detail")!)}";
        if (response.Content.Headers.ContentType?.MediaType != "application/json" || text.Length == 0)
            return $"{attack.Method} {status} {response.Content.Headers.ContentType}";
        var json = JsonDocument.Parse(text).RootElement;
        return json.Get("error") is { ValueKind: JsonValueKind.Object } error
            ? $"{attack.Method} {status} {ids.Mask(error.GetRawText())}"
            : $"{attack.Method} {status} {json.Text("object")} {string.Join(' ', json.EnumerateObject().Select(member => member.Name))} {CountOf(json)}";
    }

    // Lists of the admin API have no other members that differ.
    private static int? CountOf(JsonElement json) => json.Get("data") is { ValueKind: JsonValueKind.Array } data && json.TryGetProperty("next", out _)
        ? data.GetArrayLength()
        : null;

    /// <summary>Older systems have their messages in other places.</summary>
    private static string MessageOf(JsonElement json) =>
        json.Get("error").Text("message") ?? json.Text("message") ?? json.Text("detail") ?? json.Text("errmsg") ?? "";

    private Task<HttpResponseMessage> RequestAsync(Attack attack, string? key)
    {
        var headers = new Dictionary<string, string>(attack.Headers ?? new Dictionary<string, string>());
        if (attack.KeyHeader is { } header && key is not null) (headers[header], key) = (key, null);
        return node.Http.RequestAsync(attack.Method, attack.Path, key, attack.Body?.DeepClone(), headers, TestTimeout.Token);
    }

    private async Task<string> StatusAsync(Attack attack, string? key)
    {
        using var response = await RequestAsync(attack, key);
        var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
        var status = (int)response.StatusCode;
        Assert.DoesNotContain(TenantsFixture.Canary, text, StringComparison.Ordinal);
        if (status >= 400 && attack.Method != HttpMethod.Head) Assert.NotEmpty(MessageOf(JsonDocument.Parse(text).RootElement));
        return $"{status} {text}";
    }
}
