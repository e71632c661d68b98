namespace CozeCluster.Drill;

/// <summary>A node that can be killed, stopped and started again.</summary>
/// <param name="name">What it is called, its log file too.</param>
/// <param name="folder">Its working folder.</param>
/// <param name="address">Where it speaks HTTP.</param>
/// <param name="args">Its command line.</param>
/// <param name="variables">Its environment, besides what it inherits.</param>
/// <param name="from">The folder of the build that it starts as; null: this build.</param>
/// <param name="to">The folder of the build that it is started again as; null: this build.</param>
internal sealed class Node(
    string name, string folder, Uri address, IReadOnlyList<string> args, IReadOnlyDictionary<string, string>? variables = null, string? from = null, string? to = null) : IAsyncDisposable
{
    /// <summary>The name of its project.</summary>
    public const string Project = "Silo";

    // What a node takes to stop, besides waiting for requests.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private ServerProcess? _process;

    public string Name => name;

    public Uri Address => address;

    /// <summary>How often it was killed or stopped.</summary>
    public int Ends { get; private set; }

    /// <summary>Whether it was started, and has not been ended since.</summary>
    public bool IsUp => _process is not null;

    /// <summary>Whether it has ended though nobody asked it to.</summary>
    public bool HasFallen => _process is { HasEnded: true };

    /// <exception cref="ServerException">It does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var info = ServerProcess.Program(Project, folder, args, Ends == 0 ? from : to);
        foreach (var (variable, value) in variables ?? new Dictionary<string, string>()) info.Environment[variable] = value;
        _process = await ServerProcess.StartAsync(name, info, Path.Combine(folder, $"{name}.log"), new Uri(address, "health/ready"), cancellationToken);
    }

    /// <summary>Ends it with SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        _process = null;
        Ends++;
        await process.DisposeAsync();
    }

    /// <summary>Ends it with SIGTERM.</summary>
    /// <exception cref="ServerException">It does not stop.</exception>
    public async Task StopAsync(TimeSpan drain, CancellationToken cancellationToken)
    {
        if (_process is not { } process) return;
        await process.StopAsync(drain + Rest, cancellationToken);
        _process = null;
        Ends++;
    }

    public async ValueTask DisposeAsync() => await KillAsync();
}
