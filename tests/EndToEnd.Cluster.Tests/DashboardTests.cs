using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Every node has the dashboard. Only operators can open it.</summary>
[Collection(nameof(SharedCluster))]
public sealed partial class DashboardTests(RunningCluster cluster)
{
    [Fact]
    public async Task It_opens_only_with_the_key_of_an_administrator()
    {
        foreach (var url in cluster.Nodes.Urls)
        {
            var http = cluster.Client(url);
            using var closed = await http.GetAsync("/dashboard/");
            Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
            Assert.Equal("Basic", Assert.Single(closed.Headers.WwwAuthenticate).Scheme);
            Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(http, "", TestFleet.Key)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/dashboard/ClusterStats")).StatusCode);

            using var open = await GetAsync(http, "", TestFleet.AdminKey);
            Assert.Contains("Orleans Dashboard", await open.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "index.min.js", TestFleet.AdminKey)).StatusCode);
        }
    }

    [Fact]
    public async Task It_counts_calls_while_it_is_viewed()
    {
        var http = cluster.Http();

        const string Grain = "CozeCluster.Grains.ConversationGrain";
        string counted;
        do
        {
            // The first request starts the counters on every silo.
            using var response = await GetAsync(http, $"GrainStats/{Grain}", TestFleet.AdminKey);
            counted = await response.Content.ReadAsStringAsync(TestTimeout.Token);
            await cluster.NewRequest("chunks=2").StreamAsync();
        }
        while (!Count().IsMatch(counted));

        Assert.Contains($"{Grain}.Begin", counted, StringComparison.Ordinal);
    }

    [GeneratedRegex("\"count\":[1-9]")]
    private static partial Regex Count();

    private static async Task<HttpResponseMessage> GetAsync(HttpClient http, string path, string key)
    {
        var response = await SendAsync();
        if (response.StatusCode != HttpStatusCode.Unauthorized || key != TestFleet.AdminKey) return response;
        // The first request of an administrator is redirected to the same URL, and this client follows without the key.
        response.Dispose();
        return await SendAsync();

        Task<HttpResponseMessage> SendAsync()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, $"/dashboard/{path}");
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"ops:{key}")));
            return http.SendAsync(request, TestTimeout.Token);
        }
    }
}
