using System.Diagnostics;
using System.Text.RegularExpressions;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.DiscordDrill;

/// <summary>The fake Discord, in this process so that its clock is the clients' too, and a node as a user runs it.</summary>
internal sealed partial class Stage : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("discord-drill-");
    private SandboxServer? _sandbox;
    private Process? _node;

    public FakeDiscord Discord => _sandbox!.Discord;

    /// <summary>For the node.</summary>
    public Client Client { get; private set; } = null!;

    public static async Task<Stage> StartAsync(DrillOptions options, CancellationToken cancellationToken)
    {
        var stage = new Stage();
        try
        {
            stage._sandbox = await SandboxServer.StartAsync(new SandboxOptions { Seed = options.Seed }, cancellationToken);
            var fleet = Path.Combine(stage._folder.FullName, "fleet.yaml");
            await File.WriteAllTextAsync(fleet, DrillFleet.For(new Uri(stage._sandbox.BaseUrl, "discord/api/v10"), options.Cadences), cancellationToken);
            stage.Client = new Client(await stage.StartNodeAsync(fleet).WaitAsync(StartPatience, cancellationToken));
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Channels and threads besides those the server began with.</summary>
    public int ChannelsMade => Discord.ChannelsOf(DrillFleet.Guild.Id).Count - 3;

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= Kill;
        Kill(null, EventArgs.Empty);
        if (_node is not null) await _node.WaitForExitAsync(CancellationToken.None);
        Client?.Dispose();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<Uri> StartNodeAsync(string fleet)
    {
        var info = new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "CozeCluster.Silo.dll"), "--port", "0", "--data", Path.Combine(_folder.FullName, "data"), "--fleet", fleet])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
        };
        _node = Process.Start(info)!;
        AppDomain.CurrentDomain.ProcessExit += Kill;
        while (await _node.StandardOutput.ReadLineAsync() is { } line)
        {
            if (ListeningLine().Match(line) is not { Success: true } match) continue;
            _ = PassOnAsync(_node.StandardOutput);
            return new Uri(match.Groups[1].Value);
        }
        throw new InvalidOperationException("The node ended before it listened.");
    }

    private static async Task PassOnAsync(StreamReader output)
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
