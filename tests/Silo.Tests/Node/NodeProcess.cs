using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>The built node as a process of its own, in a folder of its own, with none of this process's settings.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // TCP_LISTEN, as the kernel writes it.
    private const string Listening = "0A";

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly List<(string Text, TaskCompletionSource<string> Found)> _awaited = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeProcess(Process process) => _process = process;

    /// <summary>All lines so far, of both outputs.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    /// <summary>Starts <c>CozeCluster.Silo</c>.</summary>
    /// <param name="folder">Its working folder.</param>
    /// <param name="args">Its command line.</param>
    public static NodeProcess Start(string folder, params string[] args) => Start(folder, [], args);

    public static NodeProcess Start(string folder, Dictionary<string, string> variables, params string[] args)
    {
        var info = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll"), .. args])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in info.Environment.Keys.Where(name => name.StartsWith("COZECLUSTER_", StringComparison.Ordinal) || name is "PORT").ToList()) info.Environment.Remove(name);
        foreach (var (name, value) in variables) info.Environment[name] = value;
        var node = new NodeProcess(new Process { StartInfo = info, EnableRaisingEvents = true });
        node._process.OutputDataReceived += (_, line) => node.Hear(line.Data);
        node._process.ErrorDataReceived += (_, line) => node.Hear(line.Data);
        node._process.Start();
        node._process.BeginOutputReadLine();
        node._process.BeginErrorReadLine();
        _ = node.WatchEnd();
        return node;
    }

    /// <summary>The first line that holds a text.</summary>
    public async Task<string> Line(string text)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_output)
        {
            if (Find(text) is { } line) return line;
            _awaited.Add((text, found));
        }
        if (await Task.WhenAny(found.Task, _ended.Task).WaitAsync(Patience) == found.Task) return await found.Task;
        lock (_output) return Find(text) ?? throw new InvalidOperationException($"The node ended without saying '{text}':\n{Output}");
    }

    /// <summary>Where the node listens, once it does.</summary>
    public async Task<Uri> Address() => new((await Line("Listening on ")).Split(' ')[^1]);

    /// <summary>The TCP ports that the process listens on. Linux only.</summary>
    public IReadOnlyList<int> ListeningPorts()
    {
        var sockets = Directory.EnumerateFileSystemEntries($"/proc/{_process.Id}/fd")
            .Select(file => new FileInfo(file).LinkTarget)
            .Where(target => target?.StartsWith("socket:[", StringComparison.Ordinal) == true)
            .Select(target => target!["socket:[".Length..^1])
            .ToHashSet();
        return
        [
            .. new[] { "tcp", "tcp6" }
                .SelectMany(table => File.ReadLines($"/proc/{_process.Id}/net/{table}").Skip(1))
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(row => row[3] == Listening && sockets.Contains(row[9]))
                .Select(row => Convert.ToInt32(row[1].Split(':')[1], 16))
                .Order(),
        ];
    }

    /// <summary>The exit code.</summary>
    public async Task<int> End()
    {
        await _ended.Task.WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>Sends a signal, as <c>kill</c> does.</summary>
    public void Signal(PosixSignal signal)
    {
        var number = signal switch { PosixSignal.SIGHUP => 1, PosixSignal.SIGINT => 2, _ => 15 };
        Assert.Equal(0, Kill(_process.Id, number));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _ended.Task.WaitAsync(Patience);
        _process.Dispose();
    }

    private async Task WatchEnd()
    {
        // Returns once both outputs are read to their ends too.
        await _process.WaitForExitAsync();
        _ended.SetResult();
    }

    private void Hear(string? line)
    {
        if (line is null) return;
        lock (_output)
        {
            _output.AppendLine(line);
            foreach (var (text, found) in _awaited)
            {
                if (line.Contains(text, StringComparison.Ordinal)) found.TrySetResult(line);
            }
        }
    }

    private string? Find(string text) => _output.ToString().Split('\n').FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal))?.TrimEnd();

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int process, int signal);
}
