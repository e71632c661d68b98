using System.Security.Cryptography;
using System.Text.Json;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Fleets;

/// <summary>Turns a fleet file into the message the catalog takes over: secrets sealed, content versioned.</summary>
internal static class FleetBuilder
{
    public static Fleet Build(FleetFile file, AesSecretSeal seal)
    {
        // Two seals of one secret differ, so the version is taken over fingerprints; they are keyed, so a new sealing key is a new version too.
        var content = Compose(file, "", plain => new Secret(seal.Fingerprint(plain)));
        var version = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(content, MessagesJson.Default.Fleet)));
        return Compose(file, version, seal.Seal);
    }

    private static Fleet Compose(FleetFile file, string version, Func<string, Secret> seal) =>
        new(version, file.Tenants, [.. file.Accounts.Select(account => Seal(account, seal))], file.Bots, file.Models)
        {
            Notifications = NotificationsSection.Seal(file.Notifications, seal),
            Listeners = [.. file.Listeners.Select(listener => Seal(listener, seal))],
        };

    private static ListenerDefinition Seal(FleetListener listener, Func<string, Secret> seal) => listener.Definition with
    {
        Token = seal(listener.Token),
        Proxy = listener.Proxy is null ? null : seal(listener.Proxy),
    };

    private static AccountDefinition Seal(FleetAccount account, Func<string, Secret> seal) => account.Definition with
    {
        Token = account.Token is null ? null : seal(account.Token),
        Proxy = account.Proxy is null ? null : seal(account.Proxy),
        OAuth = account.OAuth is { } oauth ? new OAuthDefinition(oauth.AppId, oauth.KeyId, seal(oauth.PrivateKey), oauth.EnterpriseAccountId) : null,
    };
}
