using System.Diagnostics;

namespace CozeCluster.TestKit;

/// <summary>
/// A PostgreSQL server for one test: on loopback, in a temporary folder, which is deleted when it is disposed. It ends after half an hour in any case. Uses the
/// newest version that Debian's package <c>postgresql</c> has installed.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private const string InstallationFolder = "/usr/lib/postgresql";
    private const string User = "postgres";

    private readonly string _folder;
    private readonly int _port;
    private Process _server;

    private PrivatePostgres(string folder, Process server, int port)
    {
        _folder = folder;
        _port = port;
        _server = server;
        ConnectionString = $"Host=127.0.0.1;Port={port};Username={User};Database=postgres";
    }

    /// <summary>The connection string of its only database, which is empty at the start.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether PostgreSQL is installed.</summary>
    public static bool IsInstalled => FindBinaries() is not null;

    /// <summary>Starts a server.</summary>
    /// <exception cref="InvalidOperationException">PostgreSQL is not installed, or does not start.</exception>
    public static async Task<PrivatePostgres> StartAsync()
    {
        var binaries = FindBinaries()
            ?? throw new InvalidOperationException($"{InstallationFolder} contains no PostgreSQL. Install the package postgresql.");
        var folder = Directory.CreateTempSubdirectory("postgres-").FullName;
        // PostgreSQL refuses to run as root. Then it runs as its own user, with a folder of that user.
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", User, folder);
        var data = Path.Combine(folder, "data");
        await RunAsUserAsync(
            Path.Combine(binaries, "initdb"),
            "--pgdata", data, "--username", User, "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--no-locale");
        var port = FreePorts.Next();
        return new PrivatePostgres(folder, await RunServerAsync(binaries, folder, port), port);
    }

    /// <summary>Ends the server at once. Its data and its port are kept for <see cref="ContinueAsync"/>.</summary>
    public async Task StopAsync()
    {
        // The process is that of timeout, which forwards the signal.
        await RunAsync("kill", "-QUIT", $"{_server.Id}");
        await _server.WaitForExitAsync();
        _server.Dispose();
    }

    /// <summary>Starts the server again after <see cref="StopAsync"/>.</summary>
    public async Task ContinueAsync() => _server = await RunServerAsync(FindBinaries()!, _folder, _port);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<Process> RunServerAsync(string binaries, string folder, int port)
    {
        var server = Start(
        [
            "timeout", "--signal=QUIT", "1800", Path.Combine(binaries, "postgres"),
            "-D", Path.Combine(folder, "data"), "-p", $"{port}", "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=300",
        ]);
        server.OutputDataReceived += static (_, _) => { };
        server.ErrorDataReceived += static (_, _) => { };
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
        for (var attempt = 0; ; attempt++)
        {
            using var ready = Start([Path.Combine(binaries, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", $"{port}"]);
            await ready.WaitForExitAsync();
            if (ready.ExitCode == 0) return server;
            if (server.HasExited || attempt == 300) throw new InvalidOperationException("PostgreSQL did not start.");
            await Task.Delay(100);
        }
    }

    private static string? FindBinaries() => !Directory.Exists(InstallationFolder) ? null : Directory.EnumerateDirectories(InstallationFolder)
        .Select(version => Path.Combine(version, "bin"))
        .Where(binaries => File.Exists(Path.Combine(binaries, "postgres")))
        .MaxBy(binaries => int.TryParse(Path.GetFileName(Path.GetDirectoryName(binaries)), out var version) ? version : 0);

    private static Task RunAsUserAsync(params string[] command) => RunAsync(Start(command), command[0]);

    private static Task RunAsync(params string[] command) => RunAsync(Process.Start(Info(command))!, command[0]);

    private static async Task RunAsync(Process process, string name)
    {
        using var _ = process;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{name} ended with exit code {process.ExitCode}: {await output}{await errors}");
    }

    private static Process Start(string[] command) => Process.Start(Info(Environment.IsPrivilegedProcess
        ? ["setpriv", "--reuid", User, "--regid", User, "--clear-groups", "--", .. command]
        : command))!;

    private static ProcessStartInfo Info(string[] command) => new(command[0], command[1..])
    {
        WorkingDirectory = Path.GetTempPath(),
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };
}
