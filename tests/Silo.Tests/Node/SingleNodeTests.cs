using CozeCluster.Silo.Tests.Fleets;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>Single nodes, which are not in a cluster.</summary>
public sealed class SingleNodeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Three_can_run_at_once_and_listen_only_on_their_HTTP_ports()
    {
        if (!OperatingSystem.IsLinux()) return;
        File.WriteAllText(Path.Combine(_folder.FullName, "fleet.yaml"), SampleFleet.Text);
        await using var first = Start("a");
        await using var second = Start("b");
        await using var third = Start("c");

        foreach (var node in new[] { first, second, third })
        {
            var address = await node.Address();
            Assert.Equal([address.Port], node.ListeningPorts());
        }
    }

    private NodeProcess Start(string data) => NodeProcess.Start(
        _folder.FullName, new Dictionary<string, string> { ["SPARE_TOKEN"] = "pat_x" }, "--fleet", "fleet.yaml", "--port", "0", "--data", data);
}
