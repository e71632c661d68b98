using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>A server does not start, does not stop, or cannot be used; the message explains why.</summary>
internal sealed class ServerException(string message) : Exception(message);

/// <summary>A server in a process of its own. Its output goes into a file.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly Process _process;
    private readonly StreamWriter _log;
    private readonly string _logFile;

    private ServerProcess(Process process, StreamWriter log, string logFile) => (_process, _log, _logFile) = (process, log, logFile);

    /// <summary>Whether the process has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>The path of an assembly of CozeCluster in a build.</summary>
    public static string PathOf(string project, string build) => Path.Combine(build, $"CozeCluster.{project}.dll");

    /// <summary>Finds a program in PATH or in one of <paramref name="folders"/>.</summary>
    /// <exception cref="ServerException">The program is not installed.</exception>
    public static string FindProgram(string name, params IEnumerable<string> folders) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(folders).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new ServerException($"{name} is not installed.");

    /// <summary>Describes how to start a program of CozeCluster. Removes environment variables that would configure it.</summary>
    /// <param name="project">The name of its project.</param>
    /// <param name="folder">The working folder.</param>
    /// <param name="args">The command line.</param>
    /// <param name="build">The folder of the build; null for the folder of this program.</param>
    public static ProcessStartInfo Program(string project, string folder, IEnumerable<string> args, string? build = null)
    {
        var info = new ProcessStartInfo("dotnet", [PathOf(project, build ?? AppContext.BaseDirectory), .. args]) { WorkingDirectory = folder };
        foreach (var variable in info.Environment.Keys.Where(key => key.StartsWith("COZECLUSTER_", StringComparison.Ordinal) || key == "PORT").ToList())
            info.Environment.Remove(variable);
        return info;
    }

    /// <summary>Starts a server and waits until a URL returns a success status.</summary>
    /// <exception cref="ServerException">The server ended or did not become ready in time.</exception>
    public static async Task<ServerProcess> StartAsync(string name, ProcessStartInfo info, string logFile, Uri probe, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        return await StartAsync(name, info, logFile, IsReadyAsync, cancellationToken);

        async Task<bool> IsReadyAsync()
        {
            try
            {
                using var response = await http.GetAsync(probe, cancellationToken);
                return response.IsSuccessStatusCode;
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return false;
            }
        }
    }

    /// <summary>Starts a server and waits until it is ready.</summary>
    /// <exception cref="ServerException">The server ended or did not become ready in time.</exception>
    public static async Task<ServerProcess> StartAsync(
        string name, ProcessStartInfo info, string logFile, Func<Task<bool>> isReady, CancellationToken cancellationToken)
    {
        info.RedirectStandardOutput = info.RedirectStandardError = true;
        var log = new StreamWriter(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        var server = new ServerProcess(new Process { StartInfo = info, EnableRaisingEvents = true }, log, logFile);
        server._process.OutputDataReceived += server.OnOutput;
        server._process.ErrorDataReceived += server.OnOutput;
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        AppDomain.CurrentDomain.ProcessExit += server.Kill;
        try
        {
            var start = Stopwatch.GetTimestamp();
            while (!await isReady())
            {
                if (server.HasEnded) throw new ServerException($"{name} ended with exit code {server._process.ExitCode}: {server.LastLines()}");
                if (Stopwatch.GetElapsedTime(start) > StartTimeout)
                    throw new ServerException($"{name} was not ready within {StartTimeout.TotalSeconds} s: {server.LastLines()}");
                await Task.Delay(PollInterval, cancellationToken);
            }
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>The output.</returns>
    /// <exception cref="ServerException">The exit code is not 0.</exception>
    public static async Task<string> RunAsync(ProcessStartInfo info, CancellationToken cancellationToken)
    {
        info.RedirectStandardOutput = info.RedirectStandardError = true;
        using var process = Process.Start(info)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? await output
            : throw new ServerException($"{info.FileName} ended with exit code {process.ExitCode}: {await output}{await error}");
    }

    /// <summary>Sends SIGTERM and waits until the process has ended.</summary>
    /// <exception cref="ServerException">The process still runs after <paramref name="timeout"/>.</exception>
    public async Task StopAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        await RunAsync(new ProcessStartInfo("kill", ["-TERM", $"{_process.Id}"]), cancellationToken);
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(timeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new ServerException($"A node still runs {timeout.TotalSeconds} s after SIGTERM: {LastLines()}");
        }
        await DisposeAsync();
    }

    /// <summary>Sends SIGKILL and waits until the process has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Kill(null, EventArgs.Empty);
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        await _process.WaitForExitAsync().WaitAsync(KillTimeout);
        _process.Dispose();
        await _log.DisposeAsync();
    }

    private void Kill(object? sender, EventArgs e)
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // The process has already ended.
        }
    }

    private void OnOutput(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        lock (_log) _log.WriteLine(line.Data);
    }

    private string LastLines()
    {
        using var reader = new StreamReader(new FileStream(_logFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return string.Join('\n', reader.ReadToEnd().Split('\n').TakeLast(20));
    }
}
