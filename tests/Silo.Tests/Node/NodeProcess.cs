using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>A node that runs as a process, in its own folder and without the settings of this process.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    // The state TCP_LISTEN in /proc/net/tcp.
    private const string Listening = "0A";

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly List<(string Text, TaskCompletionSource<string> Found)> _expectedLines = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeProcess(Process process) => _process = process;

    /// <summary>All lines of standard output and standard error so far.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    /// <summary>Starts <c>CozeCluster.Silo</c>.</summary>
    /// <param name="folder">The working directory.</param>
    /// <param name="args">The command line.</param>
    public static NodeProcess Start(string folder, params string[] args) => Start(folder, [], args);

    public static NodeProcess Start(string folder, Dictionary<string, string> variables, params string[] args) =>
        Start(folder, variables, ["dotnet", Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll")], args);

    /// <summary>Starts <c>CozeCluster.Silo</c> after a line of Bash, whose settings of the process it inherits.</summary>
    public static NodeProcess StartAfter(string line, string folder, params string[] args) =>
        Start(folder, [], ["bash", "-c", $"{line}; exec \"$@\"", "bash", "dotnet", Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll")], args);

    private static NodeProcess Start(string folder, Dictionary<string, string> variables, string[] command, string[] args)
    {
        var info = new ProcessStartInfo(command[0], [.. command[1..], .. args])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in info.Environment.Keys.Where(IsSetting).ToList()) info.Environment.Remove(name);
        foreach (var (name, value) in variables) info.Environment[name] = value;
        var node = new NodeProcess(new Process { StartInfo = info, EnableRaisingEvents = true });
        node._process.OutputDataReceived += (_, line) => node.OnOutput(line.Data);
        node._process.ErrorDataReceived += (_, line) => node.OnOutput(line.Data);
        node._process.Start();
        node._process.BeginOutputReadLine();
        node._process.BeginErrorReadLine();
        _ = node.WaitForExit();
        return node;
    }

    /// <summary>The id of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Waits for the first line that contains a text.</summary>
    public async Task<string> Line(string text)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_output)
        {
            if (Find(text) is { } line) return line;
            _expectedLines.Add((text, found));
        }
        if (await Task.WhenAny(found.Task, _ended.Task).WaitAsync(Timeout) == found.Task) return await found.Task;
        lock (_output) return Find(text) ?? throw new InvalidOperationException($"The node ended without a line that contains '{text}':\n{Output}");
    }

    /// <summary>Waits until the node listens, and returns its URL.</summary>
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

    /// <summary>Waits until the process has ended, and returns its exit code.</summary>
    public async Task<int> ExitCode()
    {
        await _ended.Task.WaitAsync(Timeout);
        return _process.ExitCode;
    }

    /// <summary>Sends a signal to the process.</summary>
    public void Signal(PosixSignal signal)
    {
        var number = signal switch { PosixSignal.SIGHUP => 1, PosixSignal.SIGINT => 2, _ => 15 };
        Assert.Equal(0, SendSignal(_process.Id, number));
    }

    /// <summary>Ends the process at once, as a crash does.</summary>
    public async Task Kill()
    {
        _process.Kill();
        await _ended.Task.WaitAsync(Timeout);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _ended.Task.WaitAsync(Timeout);
        _process.Dispose();
    }

    private static bool IsSetting(string variable) => variable.StartsWith("COZECLUSTER_", StringComparison.Ordinal) || variable == "PORT";

    private async Task WaitForExit()
    {
        // Also waits until both outputs have been read to their ends.
        await _process.WaitForExitAsync();
        _ended.SetResult();
    }

    private void OnOutput(string? line)
    {
        if (line is null) return;
        lock (_output)
        {
            _output.AppendLine(line);
            foreach (var (text, found) in _expectedLines)
            {
                if (line.Contains(text, StringComparison.Ordinal)) found.TrySetResult(line);
            }
        }
    }

    private string? Find(string text) => _output.ToString().Split('\n').FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal))?.TrimEnd();

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);
}
