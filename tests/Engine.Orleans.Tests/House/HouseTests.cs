using System.Text;
using System.Text.Json;
using CozeCluster.Grains;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Replies through a gateway without a silo, and silos that die meanwhile.</summary>
[Collection(TestCluster.Collection)]
public sealed class HouseTests : IAsyncLifetime
{
    private const int Hang = 240_000;
    private HouseCluster _house = null!;

    public async ValueTask InitializeAsync() => _house = await HouseCluster.StartAsync(silos: 2);

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact(Timeout = Hang)]
    public async Task A_reply_streams_through_a_gateway_without_a_silo()
    {
        using var response = await _house.StreamAsync("Hi [[text=unicode chunks=60 seed=7 tool=weather reasoning=5]]");
        var reply = await ReadAsync(response, _ => Task.CompletedTask);

        Assert.Equal(string.Join("\n\n", Assert.Single(_house.Sandbox.Coze.Chats).Answers), reply);
    }

    [Fact(Timeout = Hang)]
    public async Task Many_replies_at_once_are_exact()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            using var response = await _house.StreamAsync($"n{i} [[text=unicode chunks=30 pace=5ms seed={i}]]");
            return await ReadAsync(response, _ => Task.CompletedTask);
        }));

        Assert.Equal(_house.Sandbox.Coze.Chats.Select(chat => string.Join("\n\n", chat.Answers)).Order(), replies.Order());
        // Both silos had some of it.
        var statistics = await Management.GetSimpleGrainStatistics();
        Assert.Equal(2, statistics.Where(s => s.GrainType.Contains("Conversation", StringComparison.Ordinal) && s.ActivationCount > 0).Select(s => s.SiloAddress).Distinct().Count());
    }

    [Theory(Timeout = Hang)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_reply_goes_on_when_a_silo_dies(int silo)
    {
        using var response = await _house.StreamAsync("Hi [[text=unicode chunks=100 pace=50ms seed=8]]");
        var killed = false;
        var reply = await ReadAsync(response, async soFar =>
        {
            if (killed || soFar.Length < 50) return;
            killed = true;
            await _house.Cluster.KillAsync(_house.Cluster.Silos[silo]);
        });

        Assert.Equal(string.Join("\n\n", Assert.Single(_house.Sandbox.Coze.Chats).Answers), reply);
    }

    [Fact(Timeout = Hang)]
    public async Task Idempotent_calls_never_fail_while_silos_die_and_come()
    {
        var stop = false;
        using var made = new SemaphoreSlim(0);
        var callers = Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            var calls = 0;
            for (; !Volatile.Read(ref stop); calls++)
            {
                Assert.NotNull(await _house.Cluster.Grains.Get<ICatalogGrain>(GrainKeys.Catalog).FindTenant("main"));
                await _house.Cluster.Grains.Get<IConversationGrain>($"c{caller}-{calls}").Wake();
                made.Release();
            }
            return calls;
        })).ToList();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            await MoreCalls();
            await _house.Cluster.KillAsync(_house.Cluster.Silos[0]);
            await MoreCalls();
            await _house.Cluster.AddSiloAsync();
        }
        await MoreCalls();
        Volatile.Write(ref stop, true);

        Assert.All(await Task.WhenAll(callers), calls => Assert.True(calls > 0));

        async Task MoreCalls()
        {
            while (made.Wait(0, TestContext.Current.CancellationToken)) { }
            for (var calls = 0; calls < 20; calls++) await made.WaitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void Every_grain_goes_by_the_name_of_its_definition()
    {
        var factory = _house.Gateway.GetRequiredService<IGrainFactory>();

        Assert.All(AllGrains.Definitions(new ConversationOptions()), definition =>
        {
            var adapter = new OrleansEngineOptions().Adapters.Single(a => a.Interface == definition.Interface);
            Assert.Equal(definition.Name, factory.GetGrain(adapter.Adapter, "key").GetGrainId().Type.ToString());
        });
    }

    private IManagementGrain Management => _house.Gateway.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0);

    private static async Task<string> ReadAsync(HttpResponseMessage response, Func<string, Task> read)
    {
        if (!response.IsSuccessStatusCode) Assert.Fail(await response.Content.ReadAsStringAsync());
        var text = new StringBuilder();
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await lines.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal)) continue;
            using var json = JsonDocument.Parse(line.AsMemory(6));
            if (json.RootElement.TryGetProperty("error", out var error)) Assert.Fail(error.ToString());
            foreach (var choice in json.RootElement.GetProperty("choices").EnumerateArray())
            {
                if (choice.GetProperty("delta").TryGetProperty("content", out var content)) text.Append(content.GetString());
            }
            await read(text.ToString());
        }
        return text.ToString();
    }
}
