using CozeCluster.Migration;
using CozeCluster.Sandbox;
using CozeCluster.TestKit;

namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>A node starts with what <c>migrate</c> makes from the sample configuration of each older system, and answers as that system did.</summary>
public sealed class SampleStartTests
{
    [Theory]
    [InlineData("cdp", "/v1/models", "123456", "\"object\":\"list\"")]
    [InlineData("cdp-many", "/v1/models", "key-of-ann-0123456789", "gpt-4")]
    [InlineData("ccp", "/", null, "Hello world! This is coze-chat-proxy.")]
    [InlineData("cdb", "/Ping", null, "Pong!")]
    [InlineData("rca", "/", null, "<html")]
    [InlineData("aiproxy", "/ping", null, "ok")]
    public async Task A_node_starts_from_the_sample(string name, string path, string? key, string expected)
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), TestTimeout.Token);
        using var folder = new TempFolder();
        var fleet = Migrator.Read(Path.Combine(SourceTree.Root, "tests", "Migration.Tests", "Samples", name));
        StayOnThisMachine(fleet, sandbox.BaseUrl);
        var text = FleetText.Of(fleet);
        var variables = text.Variables.ToDictionary();
        foreach (var missing in text.MissingVariables) variables[missing] = "set-by-the-operator";
        await using var node = await NodeProcess.StartAsync(folder.Path, ["--fleet", folder.Write("fleet.yaml", text.Yaml)], variables);
        await node.WaitUntilReadyAsync();
        using var http = HttpRequests.CreateClient(node.BaseUrl);

        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", key);
        using var response = await http.SendAsync(request, TestTimeout.Token);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Contains(expected, await response.Content.ReadAsStringAsync(TestTimeout.Token), StringComparison.Ordinal);
        Assert.All(text.Variables.Values.Where(value => value.Length >= 6), secret => Assert.DoesNotContain(secret, node.Output, StringComparison.Ordinal));
    }

    /// <summary>The samples name the real upstreams and their own ports.</summary>
    private static void StayOnThisMachine(OldFleet fleet, Uri sandbox)
    {
        for (var i = 0; i < fleet.Endpoints.Count; i++) fleet.Endpoints[i] = fleet.Endpoints[i] with { Port = null };
        for (var i = 0; i < fleet.Listeners.Count; i++)
            fleet.Listeners[i] = fleet.Listeners[i] with { BaseUrl = new Uri(sandbox, "discord/api/v10").ToString(), Proxy = null };
        for (var i = 0; i < fleet.Accounts.Count; i++)
        {
            var address = fleet.Accounts[i].Upstream switch
            {
                "discord" => "discord/api/v10",
                "openai" => "openai/v1",
                var other => other,
            };
            fleet.Accounts[i] = fleet.Accounts[i] with { BaseUrl = new Uri(sandbox, address).ToString(), Proxy = null };
        }
    }
}
