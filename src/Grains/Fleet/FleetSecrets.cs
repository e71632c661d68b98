using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains;

/// <summary>The secrets in the stored rows of a fleet, for commands that replace the key that encrypts them.</summary>
public static class FleetSecrets
{
    private const int PageRows = 5_000;

    /// <summary>Reads all rows of a fleet.</summary>
    /// <returns>The version of the fleet, 0 if none is stored, and its rows.</returns>
    public static async Task<(long Version, IReadOnlyList<FleetRow> Rows)> ReadAll(IFleetStore store, CancellationToken cancellationToken)
    {
        while (true)
        {
            var version = await store.ReadVersion(cancellationToken);
            var rows = new List<FleetRow>();
            var (kind, id) = (default(FleetRowKind), "");
            while (await store.Read(kind, id, PageRows, cancellationToken) is { Count: > 0 } page)
            {
                rows.AddRange(page);
                (kind, id) = (page[^1].Kind, page[^1].Id);
                if (page.Count < PageRows) break;
            }
            // Otherwise somebody has written between two pages.
            if (await store.ReadVersion(cancellationToken) == version) return (version, rows);
        }
    }

    /// <summary>What a rotation has stored; null if there was none.</summary>
    public static SealKey? FindSealKey(IReadOnlyList<FleetRow> rows) => Settings(rows).SealKey;

    /// <summary>All secrets in some rows.</summary>
    public static IReadOnlyList<Secret> List(IReadOnlyList<FleetRow> rows)
    {
        var secrets = new List<Secret>();
        Replace(rows, 0, Settings(rows).SealKey, secret =>
        {
            secrets.Add(secret);
            return secret;
        });
        return secrets;
    }

    /// <summary>Replaces all secrets.</summary>
    /// <param name="rows">All rows of a fleet.</param>
    /// <param name="version">The version that the changed rows get.</param>
    /// <param name="sealKey">What is stored about the key that encrypts from now on.</param>
    /// <param name="replace">Gives the same secret in another form. Its fingerprint must stay the same: otherwise the next import would replace it.</param>
    /// <returns>The rows that change.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: a row is damaged.</exception>
    public static IReadOnlyList<FleetRow> Replace(IReadOnlyList<FleetRow> rows, long version, SealKey? sealKey, Func<Secret, Secret> replace)
    {
        var (account, listener) = (MessagesJson.Default.AccountDefinition, MessagesJson.Default.ListenerDefinition);
        var settings = Settings(rows);
        settings = settings with { SealKey = sealKey, Notifications = settings.Notifications is { } notifications ? Replace(notifications, replace) : null };
        var changed = new List<FleetRow> { Write(FleetRowKind.Settings, FleetSettings.Id, settings, StateJson.Default.FleetSettings) };
        changed.AddRange(rows.Select(ReplaceIn).OfType<FleetRow>());
        return changed;

        FleetRow? ReplaceIn(FleetRow row) => row.Kind switch
        {
            FleetRowKind.Account => Write(row.Kind, row.Id, Replace(Read(row, account), replace), account),
            FleetRowKind.Listener => Write(row.Kind, row.Id, Replace(Read(row, listener), replace), listener),
            FleetRowKind.Managed => ReplaceInMark(row),
            _ => null,
        };

        // A mark keeps what the fleet file says about something that is managed through the API.
        FleetRow? ReplaceInMark(FleetRow row)
        {
            if (FleetMark.ItemOf(row.Id) is not { Kind: FleetItemKind.Account or FleetItemKind.Listener or FleetItemKind.Settings } item) return null;
            var mark = Read(row, StateJson.Default.FleetMark);
            if (mark.Declared.Count == 0) return null;
            mark = mark with { Declared = [.. mark.Declared.Select(declared => ReplaceInDeclared(item, declared))] };
            return Write(row.Kind, row.Id, mark, StateJson.Default.FleetMark);
        }

        DeclaredRow ReplaceInDeclared(FleetItemId item, DeclaredRow declared)
        {
            var row = new FleetRow(FleetContent.KindOf(item.Kind), declared.Id, version, declared.Payload);
            if (item.Kind != FleetItemKind.Settings) return declared with { Payload = ReplaceIn(row)!.Payload! };
            var before = Read(row, StateJson.Default.FleetSettings);
            if (before.Notifications is null) return declared;
            return declared with
            {
                Payload = FleetRows.Write(before with { Notifications = Replace(before.Notifications, replace) }, StateJson.Default.FleetSettings),
            };
        }

        FleetRow Write<T>(FleetRowKind kind, string id, T content, JsonTypeInfo<T> json) => new(kind, id, version, FleetRows.Write(content, json));
    }

    private static FleetSettings Settings(IReadOnlyList<FleetRow> rows) =>
        rows.FirstOrDefault(row => row is { Kind: FleetRowKind.Settings, Id: FleetSettings.Id }) is { } row
            ? Read(row, StateJson.Default.FleetSettings)
            : new FleetSettings([]);

    private static T Read<T>(FleetRow row, JsonTypeInfo<T> json)
    {
        try
        {
            return FleetRows.Read(row.Payload!, json);
        }
        catch (JsonException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The stored row of {row.Kind} {row.Id} is damaged. The next import replaces it.", inner: e);
        }
    }

    private static AccountDefinition Replace(AccountDefinition account, Func<Secret, Secret> replace) => account with
    {
        Token = account.Token is { } token ? replace(token) : null,
        Proxy = account.Proxy is { } proxy ? replace(proxy) : null,
        OAuth = account.OAuth is { } oauth ? oauth with { PrivateKey = replace(oauth.PrivateKey) } : null,
    };

    private static ListenerDefinition Replace(ListenerDefinition listener, Func<Secret, Secret> replace) => listener with
    {
        Token = replace(listener.Token),
        Proxy = listener.Proxy is { } proxy ? replace(proxy) : null,
    };

    private static NotificationsDefinition Replace(NotificationsDefinition notifications, Func<Secret, Secret> replace) => notifications with
    {
        Webhook = notifications.Webhook is { } webhook
            ? new WebhookDefinition(replace(webhook.Url), webhook.Secret is { } secret ? replace(secret) : null)
            : null,
        Telegram = notifications.Telegram is { } telegram ? telegram with { Token = replace(telegram.Token) } : null,
    };
}
