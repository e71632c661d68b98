using System.Globalization;
using System.Net;
using CozeCluster.Sandbox;
using Npgsql;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>A thousand requests at once, through two gateways, for a budget of five hundred.</summary>
public sealed class BudgetTests : IAsyncLifetime
{
    private const int Budget = 500;
    private const int Requests = 1_000;

    private readonly TempFolder _folder = new();
    private readonly List<HttpClient> _clients = [];
    private SandboxServer _sandbox = null!;
    private NodeCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = new TestFleet().AddIsolatedModel("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString()
            .Replace("- id: main", $"- id: main\n    limits: {{ daily: {{ requests: {Budget} }} }}", StringComparison.Ordinal);
        _cluster = await NodeCluster.StartAsync(
            _folder.Path, ["--fleet", _folder.Write("fleet.yaml", fleet), "--start-grace", "60s", "--drain-time", "1s"], gateways: 2);
        _clients.AddRange(_cluster.Gateways.Select(gateway => HttpRequests.CreateClient(gateway.BaseUrl)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        if (_cluster is not null) await _cluster.DisposeAsync();
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Exactly_as_many_requests_are_admitted_as_the_budget_has()
    {
        var statuses = await Task.WhenAll(Enumerable.Range(0, Requests).Select(number => SendAsync(number, "chunks=2")));

        Assert.Equal((Budget, 0, 0), await ReadChargesAsync());
        // Where the machine is too slow for an answer to arrive in time, its client tries again, although its first turn was charged.
        Assert.InRange(statuses.Count(status => status == HttpStatusCode.OK), Budget * 9 / 10, Budget);
        Assert.Equal(Requests, statuses.Count(status => status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests));
    }

    /// <summary>
    /// Each silo has shards of the ledger, and perhaps the budget. What turns of the lost silo reserved, and will never use, is found within half a minute.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Exactly_as_many_requests_are_charged_when_a_silo_is_killed(int silo)
    {
        var sending = Enumerable.Range(0, Requests).Select(number => SendAsync(number, "chunks=10 pace=20ms")).ToList();
        await _sandbox.Coze.WaitForAsync(() => _sandbox.Coze.Chats.Count > Budget / 4, TestTimeout.Token);
        await _cluster.Silos[silo].KillAsync();
        var statuses = (await Task.WhenAll(sending)).ToList();

        for (var (settled, _, unknown) = await ReadChargesAsync(); settled + unknown < Budget; (settled, _, unknown) = await ReadChargesAsync())
        {
            TestTimeout.Token.ThrowIfCancellationRequested();
            statuses.Add(await SendAsync(statuses.Count, "chunks=1"));
        }

        var charges = await ReadChargesAsync();
        Assert.Equal((Budget, 0), (charges.Settled + charges.Unknown, charges.Reserved));
        Assert.Equal(HttpStatusCode.TooManyRequests, await SendAsync(0, "chunks=1"));
        // Whoever received a whole reply was charged. A client that lost its gateway's silo may not know that its turn completed. If all turns were on the
        // killed silo, before the ids of their chats were stored, all outcomes are unknown.
        Assert.InRange(statuses.Count(status => status == HttpStatusCode.OK), 0, charges.Settled);
    }

    private async Task<HttpStatusCode> SendAsync(int number, string directives)
    {
        while (true)
        {
            using var response = await new ChatRequest(_clients[number % 2], _sandbox.Coze, "bot", directives).SendAsync();
            // As clients do: a busy cluster asks them to try again.
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable) return response.StatusCode;
            await Task.Delay(TimeSpan.FromMilliseconds(200), TestTimeout.Token);
        }
    }

    /// <summary>How many requests are settled, reserved, and of unknown outcome.</summary>
    private async Task<(int Settled, int Reserved, int Unknown)> ReadChargesAsync()
    {
        await using var source = NpgsqlDataSource.Create(await Database.GetConnectionStringAsync());
        await using var command = source.CreateCommand(
            """
            SELECT coalesce(sum(ChargedRequests) FILTER (WHERE ChargeState = 2), 0), coalesce(sum(ChargedRequests) FILTER (WHERE ChargeState = 1), 0),
                coalesce(sum(ChargedRequests) FILTER (WHERE ChargeState = 3), 0)
            FROM CozeTurns WHERE ServiceId = $1
            """);
        command.Parameters.Add(new() { Value = Path.GetFileName(_folder.Path) });
        await using var row = await command.ExecuteReaderAsync(TestTimeout.Token);
        await row.ReadAsync(TestTimeout.Token);
        int Read(int column) => Convert.ToInt32(row.GetValue(column), CultureInfo.InvariantCulture);
        return (Read(0), Read(1), Read(2));
    }
}
