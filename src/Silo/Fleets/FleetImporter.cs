using System.Security.Cryptography;
using System.Text.Json;
using CozeCluster.Discord;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Fleets;

/// <summary>Applies a fleet: imports it into the catalog, then makes its listeners connect.</summary>
internal sealed partial class FleetImporter(
    IGrainFactory grains, IFleetView view, AesSecretSeal seal, ListenerConnector listeners, ILogger<FleetImporter> logger)
{
    private const int MaxLogged = 20;

    /// <summary>Applies a fleet. When this method returns, this process uses it.</summary>
    /// <param name="file">The fleet.</param>
    /// <param name="isStart">Whether the node starts: then a fleet that another one has replaced before is not applied.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the fleet is refused, or this node lacks a key. Other codes: it can be tried again.
    /// </exception>
    public async Task Import(FleetFile file, bool isStart = false)
    {
        await view.Refresh();
        seal.Choose(view.Outline.SealKey, view.Outline.AnySecret);
        var sealKey = view.Outline.SealKey;
        var fleet = FleetBuilder.Build(file, seal) with { SealKey = sealKey };
        var result = await grains.Grain<ICatalogGrain>(GrainKeys.Catalog).Import(fleet, isStart);
        if (view.Version < result.Version) await view.Refresh();
        if (result.IsSuperseded)
        {
            LogSuperseded(fleet.Version[..12]);
            var inForce = view.Outline.Listeners.Select(session => view.FindListener(GrainKeys.ListenerOf(session)));
            listeners.ConnectAll([.. inForce.OfType<ListenerDefinition>()]);
            return;
        }
        LogImported(FleetCounts.Of(file), fleet.Version[..12]);
        foreach (var warning in file.Warnings) LogWarning(warning);
        foreach (var item in result.Unchanged.Take(MaxLogged)) LogManaged(item);
        listeners.ConnectAll(fleet.Listeners);
    }

    [LoggerMessage(1, LogLevel.Information, "Applied the fleet: {Counts} (version {Version})")]
    private partial void LogImported(string counts, string version);

    [LoggerMessage(
        3, LogLevel.Warning,
        "The fleet file of this node is old (version {Version}): the cluster has applied another one since, and keeps that one. Give this node the current "
        + "file. To go back to this file, raise 'version' in it, or send SIGHUP to the node")]
    private partial void LogSuperseded(string version);

    [LoggerMessage(4, LogLevel.Warning, "The {Item} of the fleet file is managed through the API and was not changed")]
    private partial void LogManaged(FleetItemId item);

    [LoggerMessage(2, LogLevel.Warning, "{Warning}")]
    private partial void LogWarning(string warning);
}

/// <summary>Makes the message that the catalog imports: secrets are encrypted, and the content has a version.</summary>
internal static class FleetBuilder
{
    public static Fleet Build(FleetFile file, ISecretSeal seal)
    {
        // A secret is encrypted to a different text each time, so the version is a hash over fingerprints. Their key stays when the other key is replaced.
        var content = Compose(file, "", plain => seal.Seal(plain) with { Sealed = "" });
        var version = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(content, MessagesJson.Default.Fleet)));
        return Compose(file, version, seal.Seal);
    }

    private static Fleet Compose(FleetFile file, string version, Func<string, Secret> seal) =>
        new(version, file.Tenants, [.. file.Accounts.Select(account => Seal(account, seal))], file.Bots, file.Models)
        {
            Notifications = file.Notifications is { } notifications ? Seal(notifications, seal) : null,
            Listeners = [.. file.Listeners.Select(listener => Seal(listener, seal))],
            Endpoints = file.Endpoints,
            DeclaredVersion = file.DeclaredVersion,
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

    private static NotificationsDefinition Seal(FleetNotifications notifications, Func<string, Secret> seal) => new()
    {
        Webhook = notifications.Webhook is { } webhook ? new WebhookDefinition(seal(webhook.Url), webhook.Secret is { } secret ? seal(secret) : null) : null,
        Telegram = notifications.Telegram is { } telegram ? new TelegramDefinition(seal(telegram.Token), telegram.ChatId, telegram.BaseUrl) : null,
    };
}
