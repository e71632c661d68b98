using System.Reflection;
using OpenTelemetry.Resources;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Describes this node to OpenTelemetry. <c>/metrics</c> does not contain the description, because Prometheus has labels of its own for a target. An exporter
/// that sends metrics to a collector (OTLP) is added here: it sends this description along.
/// </summary>
internal static class NodeTelemetry
{
    private const string ServiceName = "cozecluster";

    /// <summary>Adds the name, version and instance id of the node, and the id of its cluster.</summary>
    public static void AddTelemetry(this WebApplicationBuilder builder, NodeSettings settings) =>
        builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(
            ServiceName, settings.Cluster?.ClusterId,
            typeof(NodeTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion));
}
