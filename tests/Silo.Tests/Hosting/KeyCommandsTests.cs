using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class KeyCommandsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("keys-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Create_InAnEmptyFolder_MakesTheTenantAndPrintsAKeyWhoseHashIsStored()
    {
        var lines = await Run("create", "--tenant", "acme", "--name", "app", "--expires", "2030-01-31");

        Assert.Equal("Made the tenant 'acme'.", lines[0]);
        Assert.Matches("^ccl_[0-9A-Za-z]{32}$", lines[1]);
        await using var open = OpenFleetStore.OpenFolder(_folder.FullName, TimeProvider.System);
        var rows = await open.Store.Read(FleetRowKind.Key, "", 10, CancellationToken.None);
        Assert.Equal(GrainKeys.ApiKeyHash(lines[1]), rows[0].Id);
    }

    [Fact]
    public async Task List_And_Revoke_KnowTheKeys()
    {
        var key = (await Run("create", "--tenant", "acme", "--name", "app", "--role", "viewer"))[1];

        Assert.Equal([$"acme/app  ccl_…{key[^4..]}, viewer"], await Run("list"));
        Assert.Empty(await Run("list", "--tenant", "other"));
        Assert.Equal(["Revoked the key 'acme/app'."], await Run("revoke", "--tenant", "acme", "--name", "app"));
        Assert.Empty(await Run("list"));
    }

    [Theory]
    [InlineData("Expected a role", "--role", "king")]
    [InlineData("There is no model 'none'", "--models", "none")]
    public async Task Create_Invalid_IsRefused(string expected, params string[] options)
    {
        var refused = await Assert.ThrowsAsync<ClusterException>(() => Run(["create", "--tenant", "acme", "--name", "app", .. options]));

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_WhileANodeUsesTheFolder_IsRefused()
    {
        await using var node = OpenFleetStore.OpenFolder(_folder.FullName, TimeProvider.System);

        await Assert.ThrowsAsync<ClusterException>(() => Run("create", "--tenant", "acme", "--name", "app"));
    }

    [Fact]
    public async Task Create_InACluster_WritesToItsDatabase()
    {
        await using var postgres = await PrivatePostgres.StartAsync();
        await PostgresSchema.ApplyAsync(postgres.ConnectionString);
        string[] cluster = ["--postgres", postgres.ConnectionString, "--cluster-id", "one"];

        var key = (await Run(["create", "--tenant", "acme", "--name", "app", .. cluster]))[1];
        await Run(["create", "--tenant", "acme", "--name", "second", .. cluster]);

        Assert.Equal([$"acme/app  ccl_…{key[^4..]}"], (await Run(["list", .. cluster]))[..1]);
        Assert.Empty(await Run(["list", "--postgres", postgres.ConnectionString, "--cluster-id", "two"]));
    }

    private async Task<string[]> Run(params string[] args)
    {
        string[] all = args.Contains("--postgres") ? ["keys", .. args] : ["keys", .. args, "--data", _folder.FullName];
        var line = CommandLine.Parse(all);
        await using var output = new StringWriter();
        var settings = new SettingSource(line.Values, new Dictionary<string, string?>(), _folder.FullName);
        await KeyCommands.Run(line.Command, line.Keys!, settings, _folder.FullName, output);
        return output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
