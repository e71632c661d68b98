using System.Diagnostics;

namespace CozeCluster.Drill;

/// <summary>A server in a process of its own. What it says goes into a file.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Process _process;
    private readonly StreamWriter _log;
    private readonly string _logFile;

    private ServerProcess(Process process, StreamWriter log, string logFile) => (_process, _log, _logFile) = (process, log, logFile);

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Where a program of ours is in a build.</summary>
    public static string PathOf(string project, string build) => Path.Combine(build, $"CozeCluster.{project}.dll");

    /// <summary>How to run a program of ours.</summary>
    /// <param name="project">The name of its project.</param>
    /// <param name="folder">Its working folder.</param>
    /// <param name="args">Its command line.</param>
    /// <param name="build">Where it was built; null: beside this one.</param>
    public static ProcessStartInfo Program(string project, string folder, IEnumerable<string> args, string? build = null)
    {
        var info = new ProcessStartInfo("dotnet", [PathOf(project, build ?? AppContext.BaseDirectory), .. args]) { WorkingDirectory = folder };
        foreach (var variable in info.Environment.Keys.Where(key => key.StartsWith("COZECLUSTER_", StringComparison.Ordinal) || key == "PORT").ToList())
            info.Environment.Remove(variable);
        return info;
    }

    /// <summary>Starts a program and waits until an address of it answers 200.</summary>
    /// <exception cref="ServerException">It ended, or did not answer in time.</exception>
    public static async Task<ServerProcess> StartAsync(string name, ProcessStartInfo info, string logFile, Uri probe, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        return await StartAsync(name, info, logFile, Answers, cancellationToken);

        async Task<bool> Answers()
        {
            try
            {
                using var answer = await http.GetAsync(probe, cancellationToken);
                return answer.IsSuccessStatusCode;
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return false;
            }
        }
    }

    /// <summary>Starts a program and waits until it answers.</summary>
    /// <exception cref="ServerException">It ended, or did not answer in time.</exception>
    public static async Task<ServerProcess> StartAsync(string name, ProcessStartInfo info, string logFile, Func<Task<bool>> answers, CancellationToken cancellationToken)
    {
        info.RedirectStandardOutput = info.RedirectStandardError = true;
        var log = new StreamWriter(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        var server = new ServerProcess(new Process { StartInfo = info, EnableRaisingEvents = true }, log, logFile);
        server._process.OutputDataReceived += server.Hear;
        server._process.ErrorDataReceived += server.Hear;
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        AppDomain.CurrentDomain.ProcessExit += server.Kill;
        try
        {
            var start = Stopwatch.GetTimestamp();
            while (!await answers())
            {
                if (server.HasEnded) throw new ServerException($"{name} ended with {server._process.ExitCode}: {server.LastLines()}");
                if (Stopwatch.GetElapsedTime(start) > StartPatience) throw new ServerException($"{name} did not answer within {StartPatience.TotalSeconds} s: {server.LastLines()}");
                await Task.Delay(Pause, cancellationToken);
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
    /// <returns>What it said.</returns>
    /// <exception cref="ServerException">It did not end with 0.</exception>
    public static async Task<string> RunAsync(ProcessStartInfo info, CancellationToken cancellationToken)
    {
        info.RedirectStandardOutput = info.RedirectStandardError = true;
        using var process = Process.Start(info)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? await output : throw new ServerException($"{info.FileName} ended with {process.ExitCode}: {await output}{await error}");
    }

    /// <summary>Tells it to stop, and waits until it has.</summary>
    /// <exception cref="ServerException">It has not within <paramref name="patience"/>.</exception>
    public async Task StopAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        await RunAsync(new ProcessStartInfo("kill", ["-TERM", $"{Pid}"]), cancellationToken);
        try
        {
            await _process.WaitForExitAsync(cancellationToken).WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new ServerException($"a node that was told to stop still runs after {patience.TotalSeconds} s: {LastLines()}");
        }
        await DisposeAsync();
    }

    /// <summary><c>kill -9</c>, and waits until it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        Kill(null, EventArgs.Empty);
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        await _process.WaitForExitAsync().WaitAsync(EndPatience);
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
            // It has ended by itself.
        }
    }

    private void Hear(object sender, DataReceivedEventArgs line)
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
