namespace CozeCluster.Silo.Fleets.Documents;

/// <summary>
/// Puts stored secrets in the place of <see cref="IFleetDocuments.StoredSecret"/> in a document before it is read. A secret is only kept where it is sent to
/// the same server: otherwise whoever may change an address could have the secret sent to their own.
/// </summary>
/// <param name="stored">The fleet with the secrets.</param>
/// <param name="seal">Opens them.</param>
/// <param name="escape">Writes a text so that the reader reads it.</param>
internal sealed class StoredSecrets(Fleet stored, ISecretSeal seal, Func<string, string> escape)
{
    /// <summary>The document with the secrets.</summary>
    public YamlNode Fill(YamlNode root) => root is not YamlMap map ? root : Edit(map, (name, value) => name switch
    {
        "tenants" => EditItems(value, tenant => Edit(tenant, (key, keys) => key == "keys" ? EditItems(keys, item => FillKey(tenant, item)) : keys)),
        "accounts" => EditItems(value, FillAccount),
        "listeners" => EditItems(value, FillListener),
        "notifications" => value is YamlMap notifications ? FillNotifications(notifications) : value,
        _ => value,
    });

    private YamlMap FillKey(YamlMap tenant, YamlMap item)
    {
        var key = stored.Tenants.FirstOrDefault(other => other.Id == TextOf(tenant, "id"))?.Keys.FirstOrDefault(other => other.Name == TextOf(item, "name"));
        return Edit(item, (name, value) => name switch
        {
            "hash" => Replace(value, key?.Hash),
            "previous" when value is YamlMap previous => Edit(previous, (member, hash) => member == "hash" ? Replace(hash, key?.Previous?.Hash) : hash),
            _ => value,
        });
    }

    private YamlMap FillAccount(YamlMap item)
    {
        var account = stored.Accounts.FirstOrDefault(other => other.Id == TextOf(item, "id"));
        if (account is not null
            && (TextOf(item, "upstream") != account.Upstream
                || !IsSameServer(account.BaseUrl, account.Proxy, item, KnownUpstreams.Find(account.Upstream)?.BaseUrl)))
        {
            account = null;
        }
        return Edit(item, (name, value) => name switch
        {
            "token" => Replace(value, account?.Token),
            "proxy" => Replace(value, account?.Proxy),
            "oauth" when value is YamlMap oauth => Edit(oauth, (member, key) => member == "private_key" ? Replace(key, account?.OAuth?.PrivateKey) : key),
            _ => value,
        });
    }

    private YamlMap FillListener(YamlMap item)
    {
        var listener = stored.Listeners.FirstOrDefault(other => other.Id == TextOf(item, "id"));
        if (listener is not null
            && (TextOf(item, "gateway_url") != listener.GatewayUrl
                || !IsSameServer(listener.BaseUrl, listener.Proxy, item, KnownUpstreams.DiscordUrl, HasPlainGateway(listener))))
        {
            listener = null;
        }
        return Edit(item, (name, value) => name switch
        {
            "token" => Replace(value, listener?.Token),
            "proxy" => Replace(value, listener?.Proxy),
            _ => value,
        });
    }

    private YamlMap FillNotifications(YamlMap notifications) => Edit(notifications, (name, value) => (name, value) switch
    {
        ("webhook", YamlMap webhook) => Edit(webhook, (member, text) => member switch
        {
            "url" => Replace(text, stored.Notifications?.Webhook?.Url),
            // The secret goes to the URL, which is a secret itself.
            "secret" => Replace(text, TextOf(webhook, "url") == IFleetDocuments.StoredSecret ? stored.Notifications?.Webhook?.Secret : null),
            _ => text,
        }),
        ("telegram", YamlMap telegram) => Edit(telegram, (member, text) =>
            member == "token" ? Replace(text, SameTelegram(telegram)?.Token) : text),
        _ => value,
    });

    // A proxy can read what is sent over plain HTTP.
    private static bool IsSameServer(string baseUrl, Secret? proxy, YamlMap item, string? defaultUrl, bool isPlain = false) =>
        (TextOf(item, "base_url") ?? defaultUrl)?.TrimEnd('/') == baseUrl
        && ((baseUrl.StartsWith("https:", StringComparison.OrdinalIgnoreCase) && !isPlain)
            || TextOf(item, "proxy") is var written && (written is null || (written == IFleetDocuments.StoredSecret && proxy is not null)));

    private static bool HasPlainGateway(ListenerDefinition listener) =>
        listener.GatewayUrl?.StartsWith("ws:", StringComparison.OrdinalIgnoreCase) == true;

    private TelegramDefinition? SameTelegram(YamlMap item)
    {
        var telegram = stored.Notifications?.Telegram;
        return telegram is not null && (TextOf(item, "base_url") ?? NotificationsSection.TelegramUrl).TrimEnd('/') == telegram.BaseUrl ? telegram : null;
    }

    // A secret that is replaced by a new one is not opened: its key may be lost.
    private YamlNode Replace(YamlNode value, Secret? secret) => IsStored(value) ? Put(value, secret is null ? null : Open(secret)) : value;

    private YamlNode Replace(YamlNode value, string? secret) => IsStored(value) ? Put(value, secret) : value;

    private YamlNode Put(YamlNode value, string? secret) =>
        secret is null ? new NothingStored(value.Line, value.Column) : new YamlScalar(value.Line, value.Column, escape(secret), plain: false);

    private string? Open(Secret secret)
    {
        try
        {
            return seal.Open(secret);
        }
        catch (ClusterException)
        {
            return null;
        }
    }

    private static bool IsStored(YamlNode value) => value is YamlScalar { Text: IFleetDocuments.StoredSecret };

    private static string? TextOf(YamlMap map, string name) => (map.Entries.FirstOrDefault(entry => entry.Key.Text == name).Value as YamlScalar)?.Text;

    private static YamlNode EditItems(YamlNode node, Func<YamlMap, YamlMap> edit) =>
        node is YamlList list ? new YamlList(list.Line, list.Column, [.. list.Items.Select(item => item is YamlMap map ? edit(map) : item)]) : node;

    private static YamlMap Edit(YamlMap map, Func<string, YamlNode, YamlNode> edit) =>
        new(map.Line, map.Column, [.. map.Entries.Select(entry => (entry.Key, edit(entry.Key.Text, entry.Value)))]);

    /// <summary>Replaces a value for which no stored secret can be used. Every reader reports it as an error.</summary>
    private sealed class NothingStored(int line, int column) : YamlNode(line, column)
    {
        public override string Kind =>
            $"'{IFleetDocuments.StoredSecret}', but no secret is stored for it, or only one for another server, or one that this node cannot decrypt";
    }
}
