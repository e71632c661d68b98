using CozeCluster.Grains;
using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// The commands about the key that encrypts stored secrets: <c>secrets rotate</c> and <c>secrets forget</c>. A rotation writes all rows in one transaction, so
/// at every moment all secrets are encrypted with one key, which the row of settings names.
/// </summary>
internal static class SecretsCommands
{
    private const int MaxCommits = 10;

    /// <summary>
    /// The command <c>secrets rotate</c>: encrypts all stored secrets with a new key. With keys in the environment, it is the first one of them. Otherwise the
    /// command adds a key to the key file; one that an interrupted rotation has added is used.
    /// </summary>
    /// <exception cref="StartException">A setting is not valid, or there is no new key.</exception>
    /// <exception cref="ClusterException">The storage cannot be used, or a secret is encrypted with a key that is missing.</exception>
    public static Task<int> Rotate(SettingSource settings, string folder, TextWriter output) => StoreCommands.Run(async cancellationToken =>
    {
        var (isCluster, data) = (StoreCommands.IsCluster(settings), StoreCommands.ReadFolder(settings, folder));
        var given = settings[Settings.SecretsKey].Text;
        if (isCluster && given is null) throw NoNewKey();
        await using var access = await Open(settings, data, isCluster, cancellationToken);
        var (keys, seal) = Load(given, data);
        var (_, rows) = await FleetSecrets.ReadAll(access.Store, cancellationToken);
        if (rows.Count == 0) throw new StartException("No fleet is stored, so no secret is encrypted. To use another key, replace it.");
        var secrets = FleetSecrets.List(rows);
        seal.Choose(FleetSecrets.FindSealKey(rows), secrets.FirstOrDefault());
        // Before a key is added: without the right keys, nothing changes.
        foreach (var secret in secrets) seal.Open(secret);
        var newKey = given is not null ? keys[0] : AesSecretSeal.IdOf(keys[^1]) == seal.KeyId ? null : keys[^1];
        if (newKey is not null && AesSecretSeal.IdOf(newKey) == seal.KeyId)
        {
            if (keys.Length == 1) throw NoNewKey();
            await output.WriteLineAsync($"All secrets are encrypted with the key {seal.KeyId} already.");
            return;
        }
        newKey ??= SecretsKey.Add(data);
        var (oldId, count) = (seal.KeyId, await Commit(access.Store, seal, newKey, cancellationToken));
        await output.WriteLineAsync(
            $"Encrypted {count} secrets with the key {AesSecretSeal.IdOf(newKey)}. Only backups that were made before need the key {oldId}.");
    });

    /// <summary>The command <c>secrets forget</c>: the key is lost, so the next start encrypts the secrets of the fleet file with another one.</summary>
    /// <exception cref="StartException">A setting is not valid.</exception>
    /// <exception cref="ClusterException">The storage cannot be used.</exception>
    public static Task<int> Forget(SettingSource settings, string folder, TextWriter output) => StoreCommands.Run(async cancellationToken =>
    {
        await using var access = await Open(settings, StoreCommands.ReadFolder(settings, folder), StoreCommands.IsCluster(settings), cancellationToken);
        var (version, rows) = await FleetSecrets.ReadAll(access.Store, cancellationToken);
        if (FleetSecrets.FindSealKey(rows) is not null)
            await access.Store.Commit(version, version + 1, FleetSecrets.Replace(rows, version + 1, sealKey: null, static secret => secret));
        await output.WriteLineAsync("The next start encrypts the secrets of the fleet file with the key that the node has. "
            + "Secrets that the admin API has set cannot be decrypted: set each of them again there.");
    });

    private static async Task<OpenFleetStore> Open(SettingSource settings, string data, bool isCluster, CancellationToken cancellationToken)
    {
        if (!isCluster) return OpenFleetStore.OpenFolder(data, TimeProvider.System, mustExist: true);
        var (postgres, cluster) = StoreCommands.ReadCluster(settings);
        return await OpenFleetStore.OpenClusterAsync(postgres, cluster, cancellationToken);
    }

    private static (byte[][] Keys, AesSecretSeal Seal) Load(string? given, string data)
    {
        var keys = SecretsKey.Load(given, data);
        return (keys, new AesSecretSeal(keys));
    }

    private static async Task<int> Commit(IFleetStore store, AesSecretSeal seal, byte[] newKey, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (version, rows) = await FleetSecrets.ReadAll(store, cancellationToken);
            var secrets = FleetSecrets.List(rows);
            seal.Choose(FleetSecrets.FindSealKey(rows), secrets.FirstOrDefault());
            var (target, sealKey) = seal.Rotate(newKey);
            try
            {
                await store.Commit(version, version + 1, FleetSecrets.Replace(rows, version + 1, sealKey, secret => target.Seal(seal.Open(secret))));
                return secrets.Count;
            }
            catch (ClusterException e) when (e.Code == ErrorCode.StateConflict && attempt < MaxCommits)
            {
                // A node has applied another fleet meanwhile.
            }
        }
    }

    private static StartException NoNewKey() => new(
        $"Set {Settings.SecretsKey.Variable} to the new key and the old one, separated by ',' (openssl rand -base64 32 makes one). "
        + "All nodes that hold grains need both before.");
}
