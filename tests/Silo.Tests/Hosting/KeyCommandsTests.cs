using System.Text.Json.Nodes;
using CozeCluster.Grains;
using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Secrets;
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
    [InlineData("Expected", "--ip", "nowhere")]
    [InlineData("is not a known key", "--limits", "{\"per_second\": 1}")]
    public async Task Create_Invalid_IsRefused(string expected, params string[] options)
    {
        var refused = await Assert.ThrowsAsync<ClusterException>(() => Run(["create", "--tenant", "acme", "--name", "app", .. options]));

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_WithAllOptions_StoresThem()
    {
        await Run(
            "create", "--tenant", "acme", "--name", "app", "--ip", "10.0.0.0/8, 192.0.2.17", "--disabled",
            "--limits", """{"requests_per_minute": 60, "max_concurrent_turns": 2, "daily": {"credits": 0.5}}""");

        await using var open = OpenFleetStore.OpenFolder(_folder.FullName, TimeProvider.System);
        var rows = await open.Store.Read(FleetRowKind.Key, "", 10, CancellationToken.None);
        var key = JsonNode.Parse(rows[0].Payload!)!.ToJsonString();
        foreach (var part in (string[])["10.0.0.0/8", "192.0.2.17", "true", "60", "2", "0.5"]) Assert.Contains(part, key, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_LimitsAreNotJson_SaysWhichOption()
    {
        var refused = await Assert.ThrowsAsync<StartException>(() => Run("create", "--tenant", "acme", "--name", "app", "--limits", "{60"));

        Assert.Contains("--limits", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await Run("list"));
    }

    [Fact]
    public async Task Create_AfterTheKeyOfSecretsWasReplaced_NeedsNoKey()
    {
        await Run("create", "--tenant", "acme", "--name", "first");
        await using (var open = OpenFleetStore.OpenFolder(_folder.FullName, TimeProvider.System))
        {
            var (version, rows) = await FleetSecrets.ReadAll(open.Store, CancellationToken.None);
            var (_, stored) = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]).Rotate([.. Enumerable.Repeat((byte)7, AesSecretSeal.KeyBytes)]);
            await open.Store.Commit(version, version + 1, FleetSecrets.Replace(rows, version + 1, stored, secret => secret));
        }

        var lines = await Run("create", "--tenant", "admin", "--name", "owner", "--role", "owner");

        Assert.Equal("Made the tenant 'admin'.", lines[0]);
        Assert.Contains($"admin/owner  ccl_…{lines[1][^4..]}, owner", await Run("list"));
        Assert.Equal(["Revoked the key 'acme/first'."], await Run("revoke", "--tenant", "acme", "--name", "first"));
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
