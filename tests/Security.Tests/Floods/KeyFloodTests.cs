using System.Text.Json;

namespace CozeCluster.Security.Tests.Floods;

/// <summary>Wrong keys cost the node nothing that lasts, and do not disturb those who have a key.</summary>
[Collection(nameof(SmallNode))]
public sealed class KeyFloodTests(SmallNodeFixture node)
{
    // If the node kept them as text, they would need twice as much as its heap may have.
    private const int Keys = 16_000;
    private const int KeyLength = 24 << 10;
    private const int Senders = 8;

    [Fact]
    public async Task A_flood_of_wrong_keys_is_refused_and_a_valid_key_works_meanwhile()
    {
        var next = 0;
        var statuses = new int[600];
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var number && number <= Keys)
            {
                using var response = await node.Http.RequestAsync(
                    HttpMethod.Get, "/v1/models", $"{number}-".PadRight(KeyLength, 'k'), cancellationToken: TestTimeout.Token);
                Interlocked.Increment(ref statuses[(int)response.StatusCode]);
                var text = await response.Content.ReadAsStringAsync(TestTimeout.Token);
                Assert.NotNull(JsonDocument.Parse(text).RootElement.Get("error").Text("message"));
                if (number % 1_000 != 0) continue;
                using var valid = await node.Http.RequestAsync(HttpMethod.Get, "/v1/models", cancellationToken: TestTimeout.Token);
                Assert.Equal(200, (int)valid.StatusCode);
            }
        })));

        Assert.Equal(Keys, statuses[401] + statuses[429]);
        Assert.NotEqual(0, statuses[401]);
        await node.AssertHealthyAsync();
    }

    [Fact]
    public async Task Names_that_clients_invent_do_not_become_series_of_metrics()
    {
        var before = await CountSeriesAsync();
        for (var number = 0; number < 500; number++)
        {
            using var method = await node.Http.RequestAsync(new HttpMethod($"INVENTED{number}"), "/v1/models", cancellationToken: TestTimeout.Token);
            using var path = await node.Http.RequestAsync(HttpMethod.Get, $"/invented/{number}", cancellationToken: TestTimeout.Token);
            using var model = await node.Http.RequestAsync(HttpMethod.Get, $"/v1/models/invented-{number}", cancellationToken: TestTimeout.Token);
        }

        Assert.InRange(await CountSeriesAsync(), before, before + 20);
    }

    private async Task<int> CountSeriesAsync() =>
        (await node.Http.ReadMetricsAsync()).Split('\n').Count(line => line.Length > 0 && !line.StartsWith('#'));
}
