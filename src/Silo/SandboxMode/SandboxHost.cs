using CozeCluster.Sandbox;
using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.SandboxMode;

/// <summary>Runs the fake upstreams in this process, on loopback, and applies the demo fleet, which uses them.</summary>
internal sealed class SandboxHost(FleetImporter importer, NodeSettings settings, TimeProvider time) : IHostedService
{
    // Slow enough to see that a reply streams.
    private static readonly TimeSpan EchoPace = TimeSpan.FromMilliseconds(40);

    private SandboxServer? _server;

    /// <exception cref="ClusterException">The fake upstreams cannot listen on their port.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var options = new SandboxOptions { Port = settings.SandboxPort, Time = time, EchoPace = EchoPace };
            _server = await SandboxServer.StartAsync(options, cancellationToken);
        }
        catch (IOException e)
        {
            var port = $"port {settings.SandboxPort} ({Settings.SandboxPort.Option})";
            throw new ClusterException(ErrorCode.Internal, $"The fake upstreams cannot listen on {port}: {e.Message}", inner: e);
        }
        await importer.Import(DemoFleet.For(_server.BaseUrl));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is not null) await _server.DisposeAsync();
    }
}

/// <summary>What a node in sandbox mode prints when it has started.</summary>
internal static class SandboxGreeting
{
    /// <param name="nodeUrl">The URL where the node listens.</param>
    /// <param name="swagger">Whether the node serves the description of its API.</param>
    public static string For(string nodeUrl, bool swagger)
    {
        var docs = swagger ? $"{nodeUrl}/swagger to try it out, {nodeUrl}/openapi/v1.json for programs" : "docs/openai-api.md";
        var models = string.Join(Environment.NewLine, DemoFleet.Models.Select(model => $"    {model.Model,-28}{model.Description}"));
        var body = $$"""{"model":"{{DemoFleet.Model}}","stream":true,"messages":[{"role":"user","content":"Hello"}]}""";
        return $"""

            CozeCluster is running in sandbox mode: fake upstreams, fixed keys, this machine only.

              Base URL  {nodeUrl}/v1
              API key   {SandboxKeys.Tenant} ({SandboxKeys.Admin} opens /admin/health and /metrics)
              API docs  {docs}
              Models
            {models}

            Try it:

              curl -N {nodeUrl}/v1/chat/completions -H 'Authorization: Bearer {SandboxKeys.Tenant}' -H 'Content-Type: application/json' -d '{body}'

            Stop with Ctrl+C.

            """;
    }
}
