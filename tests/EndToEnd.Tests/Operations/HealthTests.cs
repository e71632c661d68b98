using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Operations;

/// <summary>The health and the metrics that operators see.</summary>
public sealed class HealthTests(NodeFixture node)
{
    [Fact]
    public async Task An_account_that_Coze_refuses_is_shown_as_set_aside()
    {
        var model = "unauthorized";
        await node.NewRequest(model: model).CompleteAsync();

        JsonNode? account = null;
        while ((account = Find(await HealthAsync(), "account", model))!["state"]!.GetValue<string>() == "unknown") await Task.Yield();

        Assert.Equal("set_aside", account["state"]!.GetValue<string>());
        Assert.Equal("upstream_unauthorized", account["code"]!.GetValue<string>());
        Assert.Contains("Coze says", account["reason"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metrics_of_a_node_count_its_turns()
    {
        var model = node.NewModel();
        await node.NewRequest(model: model).CompleteAsync();

        // Each process has its own metrics.
        var metrics = string.Concat(await Task.WhenAll(node.Urls.Select(url => node.Http.ReadMetricsAsync(url))));

        Assert.Contains($"cozecluster_turns_started_total{{model=\"{model}\"}} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"cozecluster_turns_completed_total{{model=\"{model}\"}} 1\n", metrics, StringComparison.Ordinal);
        Assert.Matches($"cozecluster_tokens_total\\{{direction=\"output\",model=\"{model}\"\\}} [1-9]", metrics);
        Assert.Contains("cozecluster_health{kind=\"bot\",state=", metrics, StringComparison.Ordinal);
    }

    private async Task<JsonArray> HealthAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/admin/health");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", TestFleet.AdminKey);
        using var response = await node.Http.SendAsync(request, TestTimeout.Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]!.AsArray();
    }

    private static JsonNode? Find(JsonArray health, string kind, string id) =>
        health.FirstOrDefault(entry => entry!["kind"]!.GetValue<string>() == kind && entry["id"]!.GetValue<string>() == id);
}
