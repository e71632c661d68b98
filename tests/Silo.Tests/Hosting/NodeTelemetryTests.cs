using CozeCluster.Silo.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class NodeTelemetryTests
{
    [Fact]
    public async Task Resource_DescribesTheNode()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddTelemetry(TestSettings.Default);
        builder.Services.AddOpenTelemetry().WithMetrics();
        await using var app = builder.Build();

        var attributes = app.Services.GetRequiredService<MeterProvider>().GetResource().Attributes.ToDictionary(pair => pair.Key, pair => pair.Value);

        Assert.Equal("cozecluster", attributes["service.name"]);
        Assert.Matches(@"^\d+\.\d+\.\d+", Assert.IsType<string>(attributes["service.version"]));
        Assert.True(Guid.TryParse(Assert.IsType<string>(attributes["service.instance.id"]), out _));
        Assert.DoesNotContain("service.namespace", attributes.Keys);
    }
}
