using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>A PostgreSQL of its own on loopback, without a password, gone afterwards. It refuses to run as root; then it runs as the user <c>postgres</c>.</summary>
internal sealed class Postgres : IAsyncDisposable
{
    private static readonly string[] Folders = Directory.Exists("/usr/lib/postgresql")
        ? [.. Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin"))]
        : [];

    private readonly int _port = Ports.Free();
    private readonly string _data = Path.Combine(Path.GetTempPath(), $"drill-postgres-{Guid.NewGuid():n}");
    private ServerProcess? _process;

    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres";

    /// <exception cref="ServerException">It does not start.</exception>
    public async Task StartAsync(string logFolder, CancellationToken cancellationToken)
    {
        await ServerProcess.RunAsync(Unprivileged("initdb", "-D", _data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"), cancellationToken);
        _process = await ServerProcess.StartAsync(
            "postgres",
            Unprivileged("postgres", "-D", _data, "-p", $"{_port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=500"),
            Path.Combine(logFolder, "postgres.log"), Answers, cancellationToken);

        async Task<bool> Answers()
        {
            try
            {
                await AskAsync("SELECT 1", cancellationToken);
                return true;
            }
            catch (ServerException)
            {
                return false;
            }
        }
    }

    /// <summary>The answer to a query that has one.</summary>
    /// <exception cref="ServerException">It has none.</exception>
    public async Task<string> AskAsync(string query, CancellationToken cancellationToken) =>
        (await ServerProcess.RunAsync(new ProcessStartInfo(Programs.Find("psql", Folders), ["-h", "127.0.0.1", "-p", $"{_port}", "-U", "postgres", "-Atc", query]), cancellationToken)).Trim();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        if (Directory.Exists(_data)) Directory.Delete(_data, recursive: true);
    }

    private static ProcessStartInfo Unprivileged(string program, params IEnumerable<string> args)
    {
        var path = Programs.Find(program, Folders);
        var info = Environment.UserName == "root"
            ? new ProcessStartInfo(Programs.Find("setpriv"), ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. args])
            : new ProcessStartInfo(path, args);
        info.WorkingDirectory = Path.GetTempPath();
        return info;
    }
}
