using System.Diagnostics;
using CozeCluster.TestKit;

namespace CozeCluster.Drill;

/// <summary>HAProxy with the configuration of <c>deploy/loadbalancer.conf</c>, in front of gateways on loopback.</summary>
internal sealed class LoadBalancer(string folder, IReadOnlyList<Uri> gateways) : IAsyncDisposable
{
    private ServerProcess? _process;

    public Uri Address { get; } = new($"http://127.0.0.1:{FreePorts.Next()}/");

    /// <exception cref="ServerException">HAProxy does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Only the list of servers differs: here they have addresses instead of names.
        var lines = (await File.ReadAllLinesAsync(FindConfiguration(), cancellationToken))
            .TakeWhile(line => !line.TrimStart().StartsWith("server-template", StringComparison.Ordinal))
            .Concat(gateways.Select((gateway, index) => $"    server gateway-{index + 1} {gateway.Host}:{gateway.Port} check"));
        var file = Path.Combine(folder, "loadbalancer.conf");
        await File.WriteAllLinesAsync(file, lines.Append(""), cancellationToken);
        var info = new ProcessStartInfo(ServerProcess.FindProgram("haproxy", "/usr/sbin"), ["-db", "-f", file]);
        info.Environment["LISTEN"] = $"{Address.Host}:{Address.Port}";
        var log = Path.Combine(folder, "loadbalancer.log");
        _process = await ServerProcess.StartAsync("haproxy", info, log, new Uri(Address, "health/live"), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }

    private static string FindConfiguration()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, "deploy", "loadbalancer.conf");
            if (File.Exists(path)) return path;
        }
        throw new ServerException("No folder above this program contains deploy/loadbalancer.conf.");
    }
}
