using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>Nodes whose storage fails while they run, or has failed before they start.</summary>
public sealed class StorageFaultTests : IDisposable
{
    private const string IgnoreLimitSignal = "trap '' XFSZ";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");
    private readonly HttpClient _http = new();

    private string Data => Path.Combine(_folder.FullName, "data", "sandbox");

    private string Database => Path.Combine(Data, "grains.db");

    public void Dispose()
    {
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>Without the limit, a write fails as it does on a full disk. Nodes have no way to tell a limit from a disk that fails.</summary>
    [Fact]
    public async Task Node_whose_files_may_not_grow_is_not_ready_until_they_may()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var node = NodeProcess.StartAfter(IgnoreLimitSignal, _folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();
        await WaitFor(address, "ok\n");

        await Run("prlimit", "--pid", $"{node.Id}", $"--fsize={new FileInfo(Database + "-wal").Length}:unlimited");
        await WaitFor(
            address,
            "not ready: The disk of the data directory cannot be read or written. "
            + $"Check the disk, its quota, and the limits of the process: {Data}.\n");

        await Run("prlimit", "--pid", $"{node.Id}", "--fsize=unlimited:unlimited");
        await WaitFor(address, "ok\n");
        await node.Line("The storage can be used again");
        Assert.Single(node.Output.Split('\n'), line => line.Contains("This node is not ready", StringComparison.Ordinal));
        node.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await node.ExitCode());
    }

    [Fact]
    public async Task Node_whose_database_was_deleted_is_not_ready()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();
        await WaitFor(address, "ok\n");

        File.Delete(Database);

        await WaitFor(
            address,
            $"not ready: The database {Database} was deleted or replaced while the node uses it, and nothing that is saved can be found again. "
            + "Stop the node, restore a backup, and start the node.\n");
    }

    [Fact]
    public async Task Node_that_lost_its_log_starts_only_after_the_loss_was_accepted()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using (var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0"))
        {
            await WaitFor(await node.Address(), "ok\n");
            await node.Kill();
        }
        await using (var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0"))
        {
            await WaitFor(await node.Address(), "ok\n");
            await node.Kill();
        }
        File.Delete(Database + "-wal");

        await AssertRefused($"its log {Database}-wal is missing", $"\"store accept --data {Data}\"");

        await using (var command = NodeProcess.Start(_folder.FullName, "store", "accept", "--data", Data)) Assert.Equal(0, await command.ExitCode());
        await using var accepted = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        await WaitFor(await accepted.Address(), "ok\n");
    }

    [Fact]
    public async Task Node_with_a_damaged_database_ends_with_one_line()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using (var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0"))
        {
            await WaitFor(await node.Address(), "ok\n");
            node.Signal(PosixSignal.SIGTERM);
            Assert.Equal(0, await node.ExitCode());
        }
        await using (var file = new FileStream(Database, FileMode.Open))
        {
            file.Position = 4096;
            await file.WriteAsync(Enumerable.Repeat((byte)0x5a, (int)file.Length - 4096).ToArray());
        }

        await AssertRefused($"The database {Database} is damaged.", "restore a backup");
    }

    [Fact]
    public async Task Files_are_for_the_user_of_the_node_only_whatever_the_umask()
    {
        if (OperatingSystem.IsWindows()) return;
        await using var node = NodeProcess.StartAfter("umask 000", _folder.FullName, "--sandbox", "--port", "0");
        await WaitFor(await node.Address(), "ok\n");

        var paths = Directory.EnumerateFileSystemEntries(Data, "*", SearchOption.AllDirectories).Append(Data).ToList();
        Assert.InRange(paths.Count, 6, 20);
        foreach (var path in paths)
        {
            var execute = Directory.Exists(path) ? UnixFileMode.UserExecute : 0;
            Assert.Equal((path, UnixFileMode.UserRead | UnixFileMode.UserWrite | execute), (path, File.GetUnixFileMode(path)));
        }
    }

    [Fact]
    public async Task Gateway_reports_that_the_database_of_its_cluster_does_not_answer()
    {
        Assert.SkipUnless(PrivatePostgres.IsInstalled, "PostgreSQL is not installed: install Debian's package postgresql.");
        await using var postgres = await PrivatePostgres.StartAsync();
        await Storage.PostgresSchema.ApplyAsync(postgres.ConnectionString);
        var (siloPort, clientPort) = (FreePorts.Next(), FreePorts.Next());
        await using var silo = Start("silo");
        await WaitFor(await silo.Address(), "ok\n");
        await using var gateway = Start("gateway");
        var address = await gateway.Address();
        await WaitFor(address, "ok\n");

        await postgres.StopAsync();
        await WaitFor(address, "not ready: The database server cannot be reached. PostgreSQL must run, and accept connections from this node.\n");

        await postgres.ContinueAsync();
        await WaitFor(address, "ok\n");

        NodeProcess Start(string role) => NodeProcess.Start(
            _folder.FullName,
            new Dictionary<string, string>
            {
                ["COZECLUSTER_POSTGRES"] = postgres.ConnectionString, ["COZECLUSTER_SECRETS_KEY"] = Convert.ToBase64String(new byte[32]),
            },
            "--role", role, "--sandbox", "--port", "0", "--silo-port", $"{siloPort}", "--client-port", $"{clientPort}");
    }

    private static async Task Run(string command, params string[] args)
    {
        using var process = Process.Start(command, args);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private async Task AssertRefused(params string[] reasons)
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");

        Assert.Equal(1, await node.ExitCode());
        var line = Assert.Single(node.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        foreach (var reason in reasons) Assert.Contains(reason, line, StringComparison.Ordinal);
    }

    private async Task WaitFor(Uri address, string body)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var answer = await _http.GetAsync(new Uri(address, "/health/ready"));
            var found = await answer.Content.ReadAsStringAsync();
            Assert.Equal(found == "ok\n", answer.StatusCode == HttpStatusCode.OK);
            if (found == body) return;
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(60), $"Expected: {body}Found: {found}");
            await Task.Delay(50);
        }
    }
}
