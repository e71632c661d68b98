namespace CozeCluster.Drill;

/// <summary>A node that can be killed, stopped and started again.</summary>
/// <param name="name">The name of the node and of its log file.</param>
/// <param name="folder">The working folder.</param>
/// <param name="address">The address of its HTTP endpoint.</param>
/// <param name="args">The command line.</param>
/// <param name="variables">Environment variables in addition to those of this process.</param>
/// <param name="from">The folder of the build for the first start; null for this build.</param>
/// <param name="to">The folder of the build for later starts; null for this build.</param>
internal sealed class Node(
    string name,
    string folder,
    Uri address,
    IReadOnlyList<string> args,
    IReadOnlyDictionary<string, string>? variables = null,
    string? from = null,
    string? to = null) : IAsyncDisposable
{
    /// <summary>The name of the node's project.</summary>
    public const string Project = "Silo";

    // How long a node may take to stop after its requests have ended.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private ServerProcess? _process;

    public string Name => name;

    public Uri Address => address;

    /// <summary>How often the node was killed or stopped.</summary>
    public int Ends { get; private set; }

    /// <summary>Whether the node was started, and was not killed or stopped since then.</summary>
    public bool IsStarted => _process is not null;

    /// <summary>Whether the node has ended although it was not killed or stopped.</summary>
    public bool HasFailed => _process is { HasEnded: true };

    /// <exception cref="ServerException">The node does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var info = ServerProcess.Program(Project, folder, args, Ends == 0 ? from : to);
        foreach (var (variable, value) in variables ?? new Dictionary<string, string>()) info.Environment[variable] = value;
        _process = await ServerProcess.StartAsync(name, info, Path.Combine(folder, $"{name}.log"), new Uri(address, "health/ready"), cancellationToken);
    }

    /// <summary>Ends the node with SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        Ends++;
        await process.DisposeAsync();
    }

    /// <summary>Ends the node with SIGTERM.</summary>
    /// <exception cref="ServerException">The node does not stop.</exception>
    public async Task StopAsync(TimeSpan drain, CancellationToken cancellationToken)
    {
        if (_process is not { } process) return;
        await process.StopAsync(drain + StopTimeout, cancellationToken);
        _process = null;
        Ends++;
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
