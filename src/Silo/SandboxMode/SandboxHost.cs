using CozeCluster.Sandbox;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>Runs the fake upstreams in this process, on loopback, and imports the fleet that uses them.</summary>
internal sealed class SandboxHost(FleetImporter importer, NodeSettings settings, TimeProvider time) : IHostedService
{
    private SandboxServer? _server;

    /// <exception cref="ClusterException">The port for the fake upstreams is taken.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            _server = await SandboxServer.StartAsync(new SandboxOptions { Port = settings.SandboxPort, Time = time }, cancellationToken);
        }
        catch (IOException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The fake upstreams cannot listen on port {settings.SandboxPort} ({Settings.SandboxPort.Option}): {e.Message}", inner: e);
        }
        await importer.Import(DemoFleet.Over(_server.BaseUrl));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is not null) await _server.DisposeAsync();
    }
}
