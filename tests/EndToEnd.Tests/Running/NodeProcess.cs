using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>What tests send requests to: a single node, or a cluster.</summary>
internal interface INode : IAsyncDisposable
{
    /// <summary>The URL for clients.</summary>
    Uri BaseUrl { get; }

    /// <summary>The URLs of all processes.</summary>
    IReadOnlyList<Uri> Urls { get; }

    /// <summary>The output of all processes.</summary>
    string Output { get; }

    /// <summary>Stops it with SIGTERM, as a service manager does.</summary>
    /// <returns>The exit code.</returns>
    Task<int> StopAsync(CancellationToken cancellationToken);
}

/// <summary>A node that runs as users run it: the built program in its own process, on a free loopback port, with a data folder.</summary>
internal sealed partial class NodeProcess : INode
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeProcess(Process process) => _process = process;

    public Uri BaseUrl { get; private set; } = null!;

    public IReadOnlyList<Uri> Urls => [BaseUrl];

    public string Output => string.Join('\n', _lines);

    /// <summary>Starts a node. Returns when it listens.</summary>
    /// <param name="folder">The working folder. The data folder is in it.</param>
    /// <param name="arguments">The command line, in addition to port and data folder.</param>
    /// <param name="environment">Environment variables, in addition to those of the tests.</param>
    public static async Task<NodeProcess> StartAsync(
        string folder, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll");
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [program, "--port", "0", "--data", Path.Combine(folder, "data"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;

        var node = new NodeProcess(Process.Start(start)!);
        AppDomain.CurrentDomain.ProcessExit += node.KillAtExit;
        node.BeginReadOutput();
        try
        {
            node.BaseUrl = await node._listening.Task.WaitAsync(StartTimeout);
        }
        catch (Exception e)
        {
            await node.DisposeAsync();
            throw new InvalidOperationException($"The node did not start.\n{node.Output}", e);
        }
        return node;
    }

    /// <summary>Waits until the node can take turns.</summary>
    public async Task WaitUntilReadyAsync()
    {
        using var http = HttpRequests.CreateClient(BaseUrl);
        using var timeout = new CancellationTokenSource(StartTimeout);
        while (true)
        {
            using var answer = await http.GetAsync("/health/ready", timeout.Token);
            if (answer.IsSuccessStatusCode) return;
        }
    }

    /// <summary>Kills the process with SIGKILL.</summary>
    public async Task KillAsync()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // The process has already ended.
        }
        await _process.WaitForExitAsync();
    }

    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        await KillAsync();
        _process.Dispose();
    }

    private void BeginReadOutput()
    {
        _process.OutputDataReceived += (_, line) => OnOutput(line.Data);
        _process.ErrorDataReceived += (_, line) => OnOutput(line.Data);
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException("The process has ended."));
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private void OnOutput(string? line)
    {
        if (line is null) return;
        _lines.Enqueue(line);
        if (ListeningLine().Match(line) is { Success: true } match) _listening.TrySetResult(new Uri(match.Groups[1].Value));
    }

    private void KillAtExit(object? sender, EventArgs e) => _process.Kill();

    [GeneratedRegex(@"Listening on (http://\S+)")]
    private static partial Regex ListeningLine();
}
