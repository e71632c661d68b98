using System.Net;
using System.Net.Sockets;
using CozeCluster.Sandbox;
using CozeCluster.Silo.Tests.Fleets;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>Starts of the program that fail, and commands that start no node.</summary>
public sealed class NodeStartTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Start_InvalidFleet_ReportsEveryProblemAndExitsWith2()
    {
        WriteFleet(SampleFleet.With("accounts: [main, spare]", "accounts: [main, spear]").Replace("admin: true", "admni: true", StringComparison.Ordinal));

        await using var node = NodeProcess.Start(_folder.FullName, "--fleet", "fleet.yaml", "--port", "0");

        Assert.Equal(2, await node.ExitCode());
        Assert.Contains("fleet.yaml:9:9: tenants[0].keys[1].admni: 'admni' is not a known key. Did you mean 'admin'?", node.Output, StringComparison.Ordinal);
        Assert.Contains("fleet.yaml:19:12: accounts[1].token: The environment variable SPARE_TOKEN is not set", node.Output, StringComparison.Ordinal);
        Assert.Contains("fleet.yaml:25:22: bots[0].accounts[1]: There is no account 'spear'. Did you mean 'spare'?", node.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder.FullName, "data")));
    }

    [Fact]
    public async Task Start_NoFleet_PrintsTheKeyOfTheOwnerOnce()
    {
        await using (var first = NodeProcess.Start(_folder.FullName, "--port", "0"))
        {
            await first.Address();
            Assert.Matches("which is not shown again: ccl_[0-9A-Za-z]{32}", first.Output);
            await first.Kill();
        }

        await using var second = NodeProcess.Start(_folder.FullName, "--port", "0");
        await second.Address();
        Assert.DoesNotContain("ccl_", second.Output, StringComparison.Ordinal);
        Assert.Contains("There is no fleet file", second.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "", "is valid: 1 tenant with 2 API keys, 2 accounts, 1 bot, 1 model.")]
    [InlineData(2, "extra: 1\n", "fleet.yaml:1:1: extra: 'extra' is not a known key.")]
    public async Task Check_Fleet_StartsNothing(int code, string head, string expected)
    {
        WriteFleet(head + SampleFleet.Text);

        var variables = new Dictionary<string, string> { ["SPARE_TOKEN"] = "pat_x" };
        await using var node = NodeProcess.Start(_folder.FullName, variables, "check", "--fleet", "fleet.yaml");

        Assert.Equal(code, await node.ExitCode());
        Assert.Contains(expected, node.Output, StringComparison.Ordinal);
        Assert.Equal(["fleet.yaml"], Directory.GetFileSystemEntries(_folder.FullName).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Check_OnlineWithAProblem_PrintsItAndExitsWithOne()
    {
        await using var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), TestContext.Current.CancellationToken);
        WriteFleet($$"""
            tenants: [{ id: acme, keys: [{ name: app, key: key-of-acme }] }]
            accounts: [{ id: main, upstream: coze, base_url: "{{sandbox.BaseUrl}}coze", token: pat_sandbox }]
            bots: [{ id: draft, upstream: coze, bot_id: "7350000000000000009", accounts: [main] }]
            models: [{ id: draft, bots: [draft] }]
            """);

        await using var online = NodeProcess.Start(_folder.FullName, "check", "--online", "--fleet", "fleet.yaml");
        Assert.Equal(1, await online.ExitCode());
        Assert.Contains("is valid: 1 tenant", online.Output, StringComparison.Ordinal);
        Assert.Contains("Problem: bot 'draft' with account 'main': ", online.Output, StringComparison.Ordinal);
        Assert.Contains("The upstreams were asked: 0 ok, 0 not known, 1 problem.", online.Output, StringComparison.Ordinal);
        Assert.Equal(["fleet.yaml"], Directory.GetFileSystemEntries(_folder.FullName).Select(Path.GetFileName));

        await using var offline = NodeProcess.Start(_folder.FullName, "check", "--fleet", "fleet.yaml");
        Assert.Equal(0, await offline.ExitCode());
    }

    [Fact]
    public async Task Check_UserAccounts_PrintsAWarning()
    {
        WriteFleet(SampleFleet.Discord);

        await using var node = NodeProcess.Start(_folder.FullName, "check", "--fleet", "fleet.yaml");

        Assert.Equal(0, await node.ExitCode());
        Assert.Contains("is valid: 1 tenant with 1 API key, 2 listeners, 2 accounts, 1 bot, 1 model.", node.Output, StringComparison.Ordinal);
        Assert.Contains("Warning: The fleet sends to Discord with user accounts (writer).", node.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "COZECLUSTER_FLEET")]
    [InlineData("--version", "0.")]
    public async Task HelpOrVersion_IsPrinted(string option, string expected)
    {
        await using var node = NodeProcess.Start(_folder.FullName, option);

        Assert.Equal(0, await node.ExitCode());
        Assert.Contains(expected, node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_PortInUse_ExplainsItInOneLine()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", $"{port}");

        Assert.Equal(1, await node.ExitCode());
        Assert.Contains($"Cannot listen on http://127.0.0.1:{port}: the address is already in use.", node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SandboxPortInUse_ExplainsIt()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0", "--sandbox-port", $"{port}");

        Assert.Equal(1, await node.ExitCode());
        Assert.Contains("--sandbox-port", node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DataFolderInUse_ExplainsIt()
    {
        await using var first = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        await first.Address();

        await using var second = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");

        Assert.Equal(1, await second.ExitCode());
        Assert.Contains("in use by another process", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SchemaApply_NoDatabase_ExplainsItInOneLine()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "schema", "apply", "--postgres", "Host=127.0.0.1;Port=1;Database=none");

        Assert.Equal(1, await node.ExitCode());
        Assert.Single(node.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Start_NoDatabase_ExplainsItInOneLine()
    {
        WriteFleet(SampleFleet.Text);
        var variables = new Dictionary<string, string> { ["SPARE_TOKEN"] = "pat_x", ["COZECLUSTER_SECRETS_KEY"] = Convert.ToBase64String(new byte[32]) };

        await using var node = NodeProcess.Start(
            _folder.FullName, variables, "--role", "silo", "--postgres", "Host=127.0.0.1;Port=1;Database=none", "--fleet", "fleet.yaml", "--port", "0");

        Assert.Equal(1, await node.ExitCode());
        var line = Assert.Single(node.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("The database cannot be used: ", line, StringComparison.Ordinal);
    }

    private void WriteFleet(string text) => File.WriteAllText(Path.Combine(_folder.FullName, "fleet.yaml"), text);
}
