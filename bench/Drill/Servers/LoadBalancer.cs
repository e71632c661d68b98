using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>HAProxy as <c>deploy/loadbalancer.conf</c> has it, in front of gateways on loopback.</summary>
internal sealed class LoadBalancer(string folder, IReadOnlyList<Uri> gateways) : IAsyncDisposable
{
    private ServerProcess? _process;

    public Uri Address { get; } = new($"http://127.0.0.1:{Ports.Free()}/");

    /// <exception cref="ServerException">It does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Servers by address instead of by name; all else as it is.
        var lines = (await File.ReadAllLinesAsync(Find(), cancellationToken)).TakeWhile(line => !line.TrimStart().StartsWith("server-template", StringComparison.Ordinal))
            .Concat(gateways.Select((gateway, index) => $"    server gateway-{index + 1} {gateway.Host}:{gateway.Port} check"));
        var conf = Path.Combine(folder, "loadbalancer.conf");
        await File.WriteAllLinesAsync(conf, lines.Append(""), cancellationToken);
        var info = new ProcessStartInfo(Programs.Find("haproxy", "/usr/sbin"), ["-db", "-f", conf]);
        info.Environment["LISTEN"] = $"{Address.Host}:{Address.Port}";
        _process = await ServerProcess.StartAsync("haproxy", info, Path.Combine(folder, "loadbalancer.log"), new Uri(Address, "health/live"), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, "deploy", "loadbalancer.conf");
            if (File.Exists(path)) return path;
        }
        throw new ServerException("there is no deploy/loadbalancer.conf above this program");
    }
}
