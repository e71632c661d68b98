using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A node the way a user runs one: the built program in a process of its own, on a free loopback port, with a data folder.</summary>
internal sealed partial class NodeProcess : INode
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeProcess(Process process) => _process = process;

    /// <summary>Where it listens.</summary>
    public Uri BaseUrl { get; private set; } = null!;

    public IReadOnlyList<Uri> Urls => [BaseUrl];

    /// <summary>What it printed so far.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Starts a node and returns once it listens.</summary>
    /// <param name="folder">Where it runs and keeps its data.</param>
    /// <param name="arguments">Of the command line, besides port and data folder.</param>
    /// <param name="environment">Variables it gets besides those of the tests.</param>
    public static async Task<NodeProcess> StartAsync(
        string folder, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll");
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [program, "--port", "0", "--data", Path.Combine(folder, "data"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;

        var node = new NodeProcess(Process.Start(start)!);
        AppDomain.CurrentDomain.ProcessExit += node.KillAtExit;
        node.Listen();
        try
        {
            node.BaseUrl = await node._listening.Task.WaitAsync(StartPatience);
        }
        catch (Exception e)
        {
            await node.DisposeAsync();
            throw new InvalidOperationException($"The node did not start.\n{node.Output}", e);
        }
        return node;
    }

    /// <summary>Ends it as a power cut would: <c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks it to stop, as a service manager would: <c>kill -TERM</c>.</summary>
    /// <returns>Its exit code.</returns>
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

    private void Listen()
    {
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException("It ended."));
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private void Note(string? line)
    {
        if (line is null) return;
        _lines.Enqueue(line);
        if (ListeningLine().Match(line) is { Success: true } match) _listening.TrySetResult(new Uri(match.Groups[1].Value));
    }

    private void KillAtExit(object? sender, EventArgs e) => _process.Kill();

    [GeneratedRegex(@"Listening on (http://\S+)")]
    private static partial Regex ListeningLine();
}
