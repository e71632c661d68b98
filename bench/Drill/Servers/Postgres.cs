using System.Diagnostics;
using CozeCluster.TestKit;

namespace CozeCluster.Drill;

/// <summary>
/// A PostgreSQL on loopback without a password. Its data is deleted when it is disposed. PostgreSQL refuses to run as root; then it runs as the user
/// <c>postgres</c>. In contrast to <see cref="PrivatePostgres"/>, it waits for the disk as in production, and logs to a file.
/// </summary>
internal sealed class Postgres : IAsyncDisposable
{
    private static readonly string[] Folders = Directory.Exists("/usr/lib/postgresql")
        ? [.. Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin"))]
        : [];

    private readonly int _port = FreePorts.Next();
    private readonly string _data = Path.Combine(Path.GetTempPath(), $"drill-postgres-{Guid.NewGuid():n}");
    private ServerProcess? _process;

    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres";

    /// <exception cref="ServerException">PostgreSQL does not start.</exception>
    public async Task StartAsync(string logFolder, CancellationToken cancellationToken)
    {
        await ServerProcess.RunAsync(Unprivileged("initdb", "-D", _data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"), cancellationToken);
        string[] settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=500"];
        _process = await ServerProcess.StartAsync(
            "postgres",
            Unprivileged("postgres", ["-D", _data, "-p", $"{_port}", .. settings.SelectMany(setting => new[] { "-c", setting })]),
            Path.Combine(logFolder, "postgres.log"),
            IsReadyAsync,
            cancellationToken);

        async Task<bool> IsReadyAsync()
        {
            try
            {
                await QueryAsync("SELECT 1", cancellationToken);
                return true;
            }
            catch (ServerException)
            {
                return false;
            }
        }
    }

    /// <summary>Runs a query with one result.</summary>
    /// <exception cref="ServerException">The query fails.</exception>
    public async Task<string> QueryAsync(string query, CancellationToken cancellationToken)
    {
        var psql = ServerProcess.FindProgram("psql", Folders);
        var info = new ProcessStartInfo(psql, ["-h", "127.0.0.1", "-p", $"{_port}", "-U", "postgres", "-Atc", query]);
        return (await ServerProcess.RunAsync(info, cancellationToken)).Trim();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        if (Directory.Exists(_data)) Directory.Delete(_data, recursive: true);
    }

    private static ProcessStartInfo Unprivileged(string program, params IEnumerable<string> args)
    {
        var path = ServerProcess.FindProgram(program, Folders);
        var info = Environment.UserName == "root"
            ? new ProcessStartInfo(ServerProcess.FindProgram("setpriv"), ["--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. args])
            : new ProcessStartInfo(path, args);
        info.WorkingDirectory = Path.GetTempPath();
        return info;
    }
}
