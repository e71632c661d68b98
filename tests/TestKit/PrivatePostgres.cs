using System.Diagnostics;

namespace CozeCluster.TestKit;

/// <summary>
/// A PostgreSQL server of a test's own: on loopback, in a temporary directory, gone when disposed (and after half an hour in any case). Takes the newest that Debian's
/// package <c>postgresql</c> has installed.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private const string Installed = "/usr/lib/postgresql";
    private const string User = "postgres";

    private readonly string _directory;
    private readonly Process _server;

    private PrivatePostgres(string directory, Process server, int port)
    {
        _directory = directory;
        _server = server;
        ConnectionString = $"Host=127.0.0.1;Port={port};Username={User};Database=postgres";
    }

    /// <summary>Of its only database, which is empty.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether there is a PostgreSQL to start.</summary>
    public static bool IsInstalled => FindBinaries() is not null;

    /// <summary>Starts one.</summary>
    /// <exception cref="InvalidOperationException">None is installed, or it does not start.</exception>
    public static async Task<PrivatePostgres> StartAsync()
    {
        var binaries = FindBinaries() ?? throw new InvalidOperationException($"No PostgreSQL in {Installed}: install the package postgresql.");
        var directory = Directory.CreateTempSubdirectory("postgres-").FullName;
        // The server refuses to run as root, so it gets its own user and a directory of that user.
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", User, directory);
        var data = Path.Combine(directory, "data");
        await RunAsUserAsync(Path.Combine(binaries, "initdb"), "--pgdata", data, "--username", User, "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--no-locale");
        var port = FreePorts.Next();
        var server = Start(
            ["timeout", "--signal=QUIT", "1800", Path.Combine(binaries, "postgres"), "-D", data, "-p", $"{port}", "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=300"]);
        server.OutputDataReceived += static (_, _) => { };
        server.ErrorDataReceived += static (_, _) => { };
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
        var postgres = new PrivatePostgres(directory, server, port);
        for (var attempt = 0; ; attempt++)
        {
            using var ready = Start([Path.Combine(binaries, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", $"{port}"]);
            await ready.WaitForExitAsync();
            if (ready.ExitCode == 0) return postgres;
            if (server.HasExited || attempt == 300) throw new InvalidOperationException("PostgreSQL does not start.");
            await Task.Delay(100);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        // To the time-out's process, which passes it on.
        await RunAsync("kill", "-QUIT", $"{_server.Id}");
        await _server.WaitForExitAsync();
        _server.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string? FindBinaries() => !Directory.Exists(Installed) ? null : Directory.EnumerateDirectories(Installed)
        .Select(d => Path.Combine(d, "bin"))
        .Where(d => File.Exists(Path.Combine(d, "postgres")))
        .MaxBy(d => int.TryParse(Path.GetFileName(Path.GetDirectoryName(d)), out var version) ? version : 0);

    private static Task RunAsUserAsync(params string[] command) => RunAsync(Start(command), command[0]);

    private static Task RunAsync(params string[] command) => RunAsync(Process.Start(Info(command))!, command[0]);

    private static async Task RunAsync(Process process, string name)
    {
        using var _ = process;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{name} ended with {process.ExitCode}: {await output}{await errors}");
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
