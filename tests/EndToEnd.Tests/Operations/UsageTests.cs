using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.Operations;

/// <summary>Usage that a node reports is exact as soon as a client has the end of its reply, for everybody who may see it, and after a crash.</summary>
public sealed class UsageTests : IAsyncLifetime
{
    private const string ByEverything = "/admin/v1/usage?group_by=tenant,key,user,model,bot,account";

    private SandboxNode _node = null!;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync((sandbox, _) => new TestFleet()
        .AddAccount("account", new Uri(sandbox.BaseUrl, "coze"), "pat_sandbox").AddBot("helper", Bots.One, "account")
        .AddModel("bot", "helper", "price: { request: 0.5 }")
        .ToString()
        .Replace("- id: main", "- id: main\n    limits: { daily: { credits: 100 } }", StringComparison.Ordinal));

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task Turns_are_counted_by_whom_they_are_of_and_the_same_after_a_crash()
    {
        foreach (var user in (string?[])["ann", "bob", "ann", null]) await ChatAsync(user);
        await ChatAsync("zoe", TestFleet.OtherKey);
        await ChatAsync("ann", directives: "failed=4014 failed_form=bare chunks=3", status: 400);

        await VerifyAsync();
        await _node.CrashAsync();
        await VerifyAsync();
    }

    private async Task VerifyAsync()
    {
        var rows = await ReadAsync(ByEverything, TestFleet.ViewerKey);
        Assert.Equal(
            ["main app  bot 1 1 0 0.5", "main app ann bot 3 2 1 1", "main app bob bot 1 1 0 0.5", "other app zoe bot 1 1 0 0"],
            rows.Select(row => $"{row.Text("tenant")} {row.Text("key")} {row.Text("user")} {row.Text("model")} {Sums(row)}"));
        Assert.All(rows, row => Assert.Equal(("helper", "account"), (row.Text("bot"), row.Text("account"))));
        Assert.All(rows, row => Assert.True(row.GetProperty("output_tokens").GetInt64() > 0));

        Assert.Equal(["5 4 1 2"], (await ReadAsync("/admin/v1/usage", TestFleet.TenantAdminKey)).Select(Sums));
        Assert.Equal(["1 1 0 0"], (await ReadAsync("/admin/v1/usage?tenant=other", TestFleet.OtherTenantAdminKey)).Select(Sums));
        Assert.Equal(["1 1 0 0"], (await ReadAsync("/cozecluster/v1/usage", TestFleet.OtherKey)).Select(Sums));
        Assert.Equal(["5 4 1 2"], (await ReadAsync("/admin/v1/usage?tenant=main&key=app&group_by=tenant", TestFleet.AdminKey)).Select(Sums));
        foreach (var path in new[] { "/admin/v1/usage?tenant=main", "/admin/v1/usage?tenant=nobody" })
            Assert.Equal(404, (int)(await GetAsync(path, TestFleet.OtherTenantAdminKey)).StatusCode);
        Assert.Equal(400, (int)(await GetAsync("/admin/v1/usage?group_by=bot", TestFleet.TenantAdminKey)).StatusCode);

        var csv = await GetAsync("/admin/v1/usage?group_by=user&tenant=main&format=csv", TestFleet.ViewerKey);
        Assert.Equal("text/csv", csv.Content.Headers.ContentType?.MediaType);
        var lines = (await csv.Content.ReadAsStringAsync(TestTimeout.Token)).Split("\r\n");
        Assert.StartsWith("user,requests,", lines[0], StringComparison.Ordinal);
        Assert.Equal(["", "ann", "bob", ""], lines[1..].Select(line => line.Split(',')[0]));
        var billing = await _node.Http.RequestJsonAsync(HttpMethod.Get, "/dashboard/billing/usage");
        Assert.Equal(200, billing.Json.GetProperty("total_usage").GetDouble());
    }

    private static string Sums(JsonElement row) =>
        $"{row.GetProperty("requests")} {row.GetProperty("completed")} {row.GetProperty("failed")} {row.GetProperty("credits")}";

    private async Task ChatAsync(string? user, string key = TestFleet.Key, string directives = "", int status = 200)
    {
        var request = _node.NewRequest(directives);
        request.Key = key;
        if (user is not null) request.Body["user"] = user;
        Assert.Equal(status, (await request.CompleteAsync()).Status);
    }

    private async Task<IReadOnlyList<JsonElement>> ReadAsync(string path, string key) =>
        [.. (await _node.Http.RequestJsonAsync(HttpMethod.Get, path, key)).Json.GetProperty("data").EnumerateArray()];

    private Task<HttpResponseMessage> GetAsync(string path, string key) =>
        _node.Http.RequestAsync(HttpMethod.Get, path, key, cancellationToken: TestTimeout.Token);
}
