using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.UsageReports;

public sealed class UsageTests
{
    private const string Path = "/cozecluster/v1/usage";
    private static readonly DateTimeOffset At = new(2026, 11, 29, 13, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Report_has_only_what_it_groups_by()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.Add(Row("ann") with { Time = At, Model = "" });
        host.Grains.Usage.Rows.Add(new UsageRow());

        using var response = await host.Http.GetAsync($"{Path}?group_by=hour,user,model&from=2026-11-01&until=2026-11-30T12:30:00Z");

        Assert.Equal(
            """
            {"data":[{"time":"2026-11-29T13:00:00Z","user":"ann","model":"","requests":10,"completed":1,"failed":2,"cancelled":3,"unknown":4,"attempts":5,
            "input_tokens":6,"output_tokens":7,"credits":0.000008},{"requests":0,"completed":0,"failed":0,"cancelled":0,"unknown":0,"attempts":0,
            "input_tokens":0,"output_tokens":0,"credits":0}],"next":null}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
        var query = Assert.Single(host.Grains.Usage.Queries);
        Assert.Equal(
            new UsageQuery
            {
                From = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero),
                Until = new(2026, 11, 30, 12, 30, 0, TimeSpan.Zero),
                TenantId = "acme",
                Period = UsagePeriod.Hour,
                GroupBy = UsageDimensions.User | UsageDimensions.Model,
                Limit = 101,
            },
            query);
    }

    [Fact]
    public async Task Filters_may_be_empty()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.Add(new UsageRow());

        await host.Http.GetStringAsync($"{Path}?user=&model=a%20b&key=k");

        Assert.Equal(("", "a b", "k", null), host.Grains.Usage.Queries.Select(query => (query.User, query.Model, query.KeyName, query.BotId)).Single());
    }

    [Fact]
    public async Task Pages_follow_each_other()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.AddRange(new[] { "", "a", "\U0001F600", "(other)", "z" }.Select(Row));

        var (users, after) = (new List<string?>(), "");
        do
        {
            var page = JsonDocument.Parse(await host.Http.GetStringAsync($"{Path}?group_by=user&limit=2{after}")).RootElement;
            users.AddRange(page.GetProperty("data").EnumerateArray().Select(row => row.GetProperty("user").GetString()));
            after = page.GetProperty("next").GetString() is { } next ? "&after=" + next : "";
        }
        while (after.Length > 0);

        Assert.Equal(host.Grains.Usage.Rows.Select(row => row.User), users);
    }

    [Theory]
    [InlineData("tenant=other", "tenant")]
    [InlineData("bot=b", "bot")]
    [InlineData("group_by=tenant", "group_by")]
    [InlineData("group_by=hour,account", "group_by")]
    [InlineData("group_by=hour,day", "group_by")]
    [InlineData("group_by=week", "group_by")]
    [InlineData("groupby=hour", "groupby")]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=0001-01-01", "from")]
    [InlineData("until=9999-12-31", "until")]
    [InlineData("from=2026-02-01&until=2026-02-01", "from")]
    [InlineData("user=a&user=b", "user")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("after=x", "after")]
    [InlineData("after=WyIxIl0", "after")]
    [InlineData("after=WyI5OTk5OTk5OTk5OTk5OTk5OTkiLG51bGwsbnVsbCxudWxsLG51bGwsbnVsbCxudWxsXQ", "after")]
    [InlineData("format=xml", "format")]
    [InlineData("format=csv&limit=5", "limit")]
    public async Task Wrong_parameters_are_named(string parameters, string name)
    {
        await using var host = await GatewayHost.Start();

        using var response = await host.Http.GetAsync($"{Path}?{parameters}");

        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal((HttpStatusCode.BadRequest, name), (response.StatusCode, error.GetProperty("param").GetString()));
        Assert.Empty(host.Grains.Usage.Queries);
    }

    [Theory]
    [InlineData("&format=csv", "*/*")]
    [InlineData("", "text/csv")]
    public async Task Comma_separated_values_are_quoted_and_no_formulas(string parameters, string accept)
    {
        await using var host = await GatewayHost.Start();
        foreach (var user in new[] { "", "plain", "a,b", "say \"hi\"", "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\n=1", "\uFF1D1" })
            host.Grains.Usage.Rows.Add(Row(user) with { Time = At });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Path}?group_by=user,day{parameters}") { Headers = { { "accept", accept } } };

        using var response = await host.Http.SendAsync(request);

        Assert.Equal("text/csv; charset=utf-8; header=present", response.Content.Headers.ContentType!.ToString());
        var lines = (await response.Content.ReadAsStringAsync()).Split("\r\n");
        Assert.Equal("time,user,requests,completed,failed,cancelled,unknown,attempts,input_tokens,output_tokens,credits", lines[0]);
        Assert.Equal("2026-11-29T13:00:00Z,,10,1,2,3,4,5,6,7,0.000008", lines[1]);
        Assert.Equal(
            ["", "plain", "\"a,b\"", "\"say \"\"hi\"\"\"", "'=1+1", "'+1", "'-1", "'@SUM(1)", "'\t=1", "\"'\n=1\"", "'\uFF1D1"],
            lines[1..^1].Select(line => line["2026-11-29T13:00:00Z,".Length..line.LastIndexOf(",10,", StringComparison.Ordinal)]));
        Assert.Equal("", lines[^1]);
    }

    [Fact]
    public async Task Comma_separated_values_contain_all_rows()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.AddRange(Enumerable.Range(0, 12_000).Select(i => Row($"user-{i}")));

        var lines = (await host.Http.GetStringAsync($"{Path}?group_by=user&format=csv")).Split("\r\n");

        Assert.Equal(host.Grains.Usage.Rows.Select(row => row.User), lines[1..^1].Select(line => line.Split(',')[0]));
    }

    [Fact]
    public async Task Error_after_the_first_rows_breaks_the_connection()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.AddRange(Enumerable.Range(0, 12_000).Select(i => Row($"user-{i}")));
        host.Grains.Usage.OnRead = () =>
            host.Grains.Usage.Queries.Count == 2 ? throw new ClusterException(ErrorCode.Internal, "The disk is full.") : Task.CompletedTask;

        await Assert.ThrowsAnyAsync<Exception>(() => host.Http.GetStringAsync($"{Path}?group_by=user&format=csv"));
    }

    [Fact]
    public async Task Few_reports_of_a_tenant_are_made_at_the_same_time()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.Add(new UsageRow());
        var (gate, started) = (new TaskCompletionSource(), new SemaphoreSlim(0));
        host.Grains.Usage.OnRead = () =>
        {
            started.Release();
            return gate.Task;
        };
        var reports = Enumerable.Range(0, 4).Select(_ => host.Http.GetAsync(Path)).ToList();
        for (var i = 0; i < 4; i++) await started.WaitAsync(TestContext.Current.CancellationToken);

        using var refused = await host.Http.GetAsync(Path);
        gate.SetResult();

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.All(await Task.WhenAll(reports), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync(Path)).StatusCode);
    }

    [Theory]
    [InlineData("sk-admin", "", "all", null)]
    [InlineData("sk-admin", "&tenant=other", "all", "other")]
    [InlineData("sk-tenant-admin", "", "of-acme", "acme")]
    [InlineData("sk-tenant-admin", "&tenant=", "of-acme", "acme")]
    [InlineData("sk-tenant-admin", "&tenant=acme", "of-acme", "acme")]
    public async Task Admin_keys_read_what_they_may_see(string key, string parameters, string reader, string? tenant)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.Add(Row("ann") with { TenantId = "acme" });

        using var response = await GetAsAdmin(host, $"group_by=tenant,user{parameters}", key);

        var row = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("data")[0];
        Assert.Equal(("acme", "ann"), (row.GetProperty("tenant").GetString(), row.GetProperty("user").GetString()));
        Assert.Equal((reader, tenant), (host.Grains.Usage.Key, Assert.Single(host.Grains.Usage.Queries).TenantId));
    }

    [Theory]
    [InlineData("sk-tenant-admin", "tenant=other", 404, "tenant")]
    [InlineData("sk-tenant-admin", "group_by=account", 400, "group_by")]
    [InlineData("sk-tenant-admin", "bot=b", 400, "bot")]
    [InlineData("sk-admin", "until=x", 400, "until")]
    public async Task Admin_keys_get_problem_details(string key, string parameters, int status, string field)
    {
        await using var host = await GatewayHost.Start();

        using var response = await GetAsAdmin(host, parameters, key);

        var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal((status, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        if (status == 400) Assert.Equal(field, problem.GetProperty("field").GetString());
        Assert.Empty(host.Grains.Usage.Queries);
    }

    [Fact]
    public async Task Chat_panels_see_credits_as_hundredths()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Usage.Rows.Add(new UsageRow { Sums = new UsageSums(1, 0, 0, 0, 1, 0, 0, 1_250_000) });

        var usage = await host.Http.GetStringAsync("/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-30");
        await host.Http.GetStringAsync("/dashboard/billing/usage?start_date=x");
        var nothing = await host.Http.GetStringAsync("/dashboard/billing/usage?start_date=2026-11-01&end_date=2026-11-01");

        Assert.Equal("""{"object":"list","total_usage":125}""", usage);
        Assert.Equal("""{"object":"list","total_usage":0}""", nothing);
        Assert.Equal(
            (new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 11, 30, 0, 0, 0, TimeSpan.Zero), "acme"),
            host.Grains.Usage.Queries.Select(query => (query.From, query.Until, query.TenantId!)).First());
        Assert.Equal(2, host.Grains.Usage.Queries.Count);
        Assert.Equal(1, host.Grains.Usage.Queries[1].From.Day);
    }

    private static async Task<HttpResponseMessage> GetAsAdmin(GatewayHost host, string parameters, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/admin/v1/usage?{parameters}") { Headers = { Authorization = new("Bearer", key) } };
        return await host.Http.SendAsync(request);
    }

    private static UsageRow Row(string user) => new() { User = user, Sums = new UsageSums(1, 2, 3, 4, 5, 6, 7, 8) };
}
