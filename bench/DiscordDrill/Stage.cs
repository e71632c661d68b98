using System.Diagnostics;
using System.Text.RegularExpressions;
using CozeCluster.Bench;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>The servers of a drill: the fake Discord in this process, so that it and the clients use one clock, and a node in a process of its own.</summary>
internal sealed partial class Stage : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("discord-drill-");
    private SandboxServer? _sandbox;
    private Process? _node;
    private int _channelsAtStart;

    public FakeDiscord Discord => _sandbox!.Discord;

    /// <summary>A client of the node.</summary>
    public Client Client { get; private set; } = null!;

    /// <summary>The number of channels and threads that the node has created and not deleted.</summary>
    public int CreatedChannels => CountChannels() - _channelsAtStart;

    public static async Task<Stage> StartAsync(DrillOptions options, CancellationToken cancellationToken)
    {
        var stage = new Stage();
        try
        {
            stage._sandbox = await SandboxServer.StartAsync(new SandboxOptions { Seed = options.Seed }, cancellationToken);
            stage._channelsAtStart = stage.CountChannels();
            var fleet = Path.Combine(stage._folder.FullName, "fleet.yaml");
            await File.WriteAllTextAsync(fleet, DrillFleet.Create(new Uri(stage._sandbox.BaseUrl, "discord/api/v10"), options.Cadences), cancellationToken);
            stage.Client = new Client(await stage.StartNodeAsync(fleet).WaitAsync(StartTimeout, cancellationToken));
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        Kill(null, EventArgs.Empty);
        if (_node is not null) await _node.WaitForExitAsync(CancellationToken.None);
        Client?.Dispose();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private int CountChannels() => Discord.ChannelsOf(DiscordFleetFile.Guild.Id).Count;

    private async Task<Uri> StartNodeAsync(string fleet)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll");
        _node = Process.Start(new ProcessStartInfo("dotnet", [program, "--port", "0", "--data", Path.Combine(_folder.FullName, "data"), "--fleet", fleet])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
        })!;
        AppDomain.CurrentDomain.ProcessExit += Kill;
        while (await _node.StandardOutput.ReadLineAsync() is { } line)
        {
            if (ListeningLine().Match(line) is not { Success: true } match) continue;
            _ = ForwardWarningsAsync(_node.StandardOutput);
            return new Uri(match.Groups[1].Value);
        }
        throw new InvalidOperationException("The node ended before it listened.");
    }

    private static async Task ForwardWarningsAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            if (!line.Contains(" info: ", StringComparison.Ordinal)) await Console.Error.WriteLineAsync($"node: {line}");
        }
    }

    private void Kill(object? sender, EventArgs e)
    {
        if (_node is { HasExited: false }) _node.Kill();
    }

    [GeneratedRegex(@"Listening on (http://\S+)")]
    private static partial Regex ListeningLine();
}
