using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using CozeCluster.Gateway;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Docs.Tests;

/// <summary><c>docs/operations.md</c> lists the metrics that the program has.</summary>
public sealed partial class MetricsTests
{
    private const string Rooms = "CozeCluster.";

    [Fact]
    public void The_table_of_metrics_has_all_of_them_and_no_others()
    {
        var names = new HashSet<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name != Tracing.SourceName) return;
            lock (names) names.Add(NameOf(instrument));
        };
        listener.Start();

        CreateAll();

        var documented = Document.Of("docs/operations.md").Lines.Select(line => Row().Match(line)).Where(row => row.Success).Select(row => row.Groups[1].Value);
        Assert.Equal(names.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    /// <summary>The name that Prometheus gets.</summary>
    private static string NameOf(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return instrument.GetType().GetGenericTypeDefinition() == typeof(Counter<>) ? name + "_total" : name;
    }

    private static void CreateAll()
    {
        using var services = new ServiceCollection().AddLogging().AddGateway().BuildServiceProvider();
        var assemblies = Directory.GetFiles(AppContext.BaseDirectory, Rooms + "*.dll").Select(Path.GetFileNameWithoutExtension)
            .Where(name => !name!.EndsWith("Tests", StringComparison.Ordinal)).Select(name => Assembly.Load(name!));
        foreach (var type in assemblies.SelectMany(assembly => assembly.GetTypes()))
        {
            var fields = type.GetFields(BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
            if (type.IsGenericTypeDefinition || !fields.Any(field => field.FieldType.IsAssignableTo(typeof(Instrument)))) continue;
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
            if (type.Name == "GatewayMetrics") services.GetRequiredService(type);
        }
    }

    [GeneratedRegex("^\\| `(cozecluster_[a-z_]+)`")]
    private static partial Regex Row();
}
