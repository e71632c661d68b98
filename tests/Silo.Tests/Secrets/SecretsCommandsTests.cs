using System.Security.Cryptography;
using System.Text.Json;
using CozeCluster.Grains;
using CozeCluster.Silo.Hosting;
using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Secrets;

/// <summary>The key of stored secrets is replaced, in both storages, and a crash may happen between any two steps.</summary>
public sealed class SecretsCommandsTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("data-");
    private readonly StringWriter _output = new();

    private string KeyFile => Path.Combine(_data.FullName, SecretsKey.FileName);

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task Rotate_DataFolder_EncryptsEverythingWithANewKeyAndKeepsTheOldOne()
    {
        var before = await CreateFolder();

        await Rotate();

        var keys = SecretsKey.Load(null, _data.FullName);
        Assert.Equal(2, keys.Length);
        await using var access = Open();
        var (version, rows) = await FleetSecrets.ReadAll(access.Store, None);
        Assert.Equal(2, version);
        Assert.Equal(before, FleetSecrets.List(rows));
        Assert.Equal(["token", "http://proxy", "pem", "token of ear"], FleetSecrets.List(rows).Select(new AesSecretSeal(keys[1]).Open));
        Assert.Throws<ClusterException>(() => new AesSecretSeal(keys[0]).Open(FleetSecrets.List(rows)[0]));
        Assert.Equal(AesSecretSeal.IdOf(keys[1]), FleetSecrets.FindSealKey(rows)!.KeyId);
        Assert.Contains($"Encrypted 4 secrets with the key {AesSecretSeal.IdOf(keys[1])}", _output.ToString(), StringComparison.Ordinal);
        foreach (var key in keys) Assert.DoesNotContain(Convert.ToBase64String(key), _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotate_KeyWasAddedBeforeACrash_UsesItAndUntilThenTheOldOneEncrypts()
    {
        var before = await CreateFolder();
        SecretsKey.Add(_data.FullName);
        var keys = SecretsKey.Load(null, _data.FullName);
        // A node that starts now.
        var seal = new AesSecretSeal(keys);
        seal.Choose(null, before[0]);
        Assert.Equal(AesSecretSeal.IdOf(keys[0]), seal.KeyId);

        await Rotate();

        Assert.Equal(keys, SecretsKey.Load(null, _data.FullName));
        Assert.Equal("token", new AesSecretSeal(keys[1]).Open((await Stored())[0]));
    }

    [Fact]
    public async Task Rotate_KeyWasCutByACrash_AddsAnother()
    {
        await CreateFolder();
        await File.AppendAllTextAsync(KeyFile, "c2hvcn", None);

        await Rotate();

        Assert.Equal("token", new AesSecretSeal(SecretsKey.Load(null, _data.FullName)[^1]).Open((await Stored())[0]));
    }

    [Fact]
    public async Task Rotate_AfterACompleteRotation_ReplacesTheKeyOnceMoreAndFingerprintsStay()
    {
        var before = await CreateFolder();

        await Rotate();
        await Rotate();

        var keys = SecretsKey.Load(null, _data.FullName);
        Assert.Equal(3, keys.Length);
        Assert.Equal(before, await Stored());
        Assert.Equal("token", new AesSecretSeal(keys[2]).Open((await Stored())[0]));
    }

    [Fact]
    public async Task Rotate_WrongKey_SaysWhichAndChangesNothing()
    {
        var before = await CreateFolder();
        var wrong = RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes);
        await File.WriteAllTextAsync(KeyFile, Convert.ToBase64String(wrong) + "\n", None);

        var error = await Assert.ThrowsAsync<ClusterException>(() => Rotate());

        Assert.Contains($"another key. This node has the key {AesSecretSeal.IdOf(wrong)}.", error.Message, StringComparison.Ordinal);
        Assert.Equal(before.Select(secret => secret.Sealed), (await Stored()).Select(secret => secret.Sealed));
        Assert.Equal([wrong], SecretsKey.Load(null, _data.FullName));
    }

    [Fact]
    public async Task Rotate_NodeRuns_IsRefused()
    {
        await CreateFolder();
        await using var node = Open();

        var error = await Assert.ThrowsAsync<ClusterException>(() => Rotate());

        Assert.Contains("in use by another process", error.Message, StringComparison.Ordinal);
        Assert.Single(SecretsKey.Load(null, _data.FullName));
    }

    [Fact]
    public async Task Forget_LostKey_LetsAnotherKeyEncrypt()
    {
        await CreateFolder();
        await Rotate();
        File.Delete(KeyFile);
        var seal = new AesSecretSeal(SecretsKey.Load(null, _data.FullName));
        Assert.Throws<ClusterException>(() => seal.Choose(FindSealKey().Result, null));

        await Run("forget", null);

        seal.Choose(await FindSealKey(), (await Stored())[0]);
        Assert.Equal("a", seal.Open(seal.Seal("a")));
    }

    [Fact]
    public async Task Rotate_Cluster_UsesTheFirstOfTheKeysAndThenTheOldOneIsNotNeeded()
    {
        Assert.SkipUnless(PrivatePostgres.IsInstalled, "PostgreSQL is not installed: install Debian's package postgresql.");
        await using var postgres = await PrivatePostgres.StartAsync();
        await PostgresSchema.ApplyAsync(postgres.ConnectionString);
        await using var access = await OpenFleetStore.OpenClusterAsync(postgres.ConnectionString, "c", None);
        var (old, next) = (NewKey(), NewKey());
        await Fill(access.Store, new AesSecretSeal(Convert.FromBase64String(old)));
        var before = FleetSecrets.List((await FleetSecrets.ReadAll(access.Store, None)).Rows);

        await Assert.ThrowsAsync<StartException>(() => Run("rotate", null, postgres));
        var missing = await Assert.ThrowsAsync<StartException>(() => Run("rotate", old, postgres));
        await Run("rotate", $"{next},{old}", postgres);
        await Run("rotate", $"{next},{old}", postgres);

        Assert.Contains("the new key and the old one", missing.Message, StringComparison.Ordinal);
        Assert.Contains("already", _output.ToString(), StringComparison.Ordinal);
        var (version, rows) = await FleetSecrets.ReadAll(access.Store, None);
        Assert.Equal(2, version);
        Assert.Equal(before, FleetSecrets.List(rows));
        var seal = new AesSecretSeal(Convert.FromBase64String(next));
        seal.Choose(FleetSecrets.FindSealKey(rows), before[0]);
        Assert.Equal("token", seal.Open(FleetSecrets.List(rows)[0]));
        // A node that was forgotten must not encrypt with the old key again.
        Assert.Throws<ClusterException>(() => new AesSecretSeal(Convert.FromBase64String(old)).Choose(FleetSecrets.FindSealKey(rows), null));
    }

    /// <summary>Creates a data folder with a fleet, as a node does.</summary>
    private async Task<IReadOnlyList<Secret>> CreateFolder()
    {
        await File.WriteAllBytesAsync(Path.Combine(_data.FullName, "grains.db"), [], None);
        await using (var access = Open()) await Fill(access.Store, new AesSecretSeal(SecretsKey.Load(null, _data.FullName)));
        return await Stored();
    }

    private static Task Fill(IFleetStore store, AesSecretSeal seal)
    {
        var account = new AccountDefinition
        {
            Id = "main", Upstream = "coze", BaseUrl = "http://coze", Token = seal.Seal("token"), Proxy = seal.Seal("http://proxy"),
            OAuth = new OAuthDefinition("app", "key", seal.Seal("pem"), null),
        };
        var listener = new ListenerDefinition { Id = "ear", BaseUrl = "http://discord", Token = seal.Seal("token of ear"), GuildId = "1000000000000000001" };
        return store.Commit(0, 1,
        [
            new(FleetRowKind.Account, "main", 1, JsonSerializer.SerializeToUtf8Bytes(account, MessagesJson.Default.AccountDefinition)),
            new(FleetRowKind.Listener, "ear", 1, JsonSerializer.SerializeToUtf8Bytes(listener, MessagesJson.Default.ListenerDefinition)),
        ]);
    }

    private OpenFleetStore Open() => OpenFleetStore.OpenFolder(_data.FullName, TimeProvider.System, mustExist: true);

    private async Task<IReadOnlyList<Secret>> Stored()
    {
        await using var access = Open();
        return FleetSecrets.List((await FleetSecrets.ReadAll(access.Store, None)).Rows);
    }

    private async Task<SealKey?> FindSealKey()
    {
        await using var access = Open();
        return FleetSecrets.FindSealKey((await FleetSecrets.ReadAll(access.Store, None)).Rows);
    }

    private Task<int> Rotate() => Run("rotate", null);

    private Task<int> Run(string command, string? keys, PrivatePostgres? postgres = null)
    {
        string[] target = postgres is null ? ["--data", _data.FullName] : ["--postgres", postgres.ConnectionString, "--cluster-id", "c"];
        var line = CommandLine.Parse(["secrets", command, .. target]);
        var source = new SettingSource(line.Values, new Dictionary<string, string?> { [Settings.SecretsKey.Variable] = keys }, _data.FullName);
        return line.Command == NodeCommand.SecretsRotate
            ? SecretsCommands.Rotate(source, _data.FullName, _output)
            : SecretsCommands.Forget(source, _data.FullName, _output);
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes));
}
