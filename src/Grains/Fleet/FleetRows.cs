using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains;

/// <summary>The row of a fleet that belongs to no single thing.</summary>
/// <param name="Models">The ids of all models in the fleet's order.</param>
internal sealed record FleetSettings(IReadOnlyList<string> Models)
{
    /// <summary>The id of the row.</summary>
    public const string Id = "fleet";

    /// <summary>How operators are notified of health changes; null: not at all.</summary>
    public NotificationsDefinition? Notifications { get; init; }

    /// <summary>See <see cref="Fleet.SealKey"/>.</summary>
    public SealKey? SealKey { get; init; }

    /// <summary>See <see cref="Fleet.Endpoints"/>.</summary>
    public IReadOnlyList<EndpointDefinition> Endpoints { get => field ?? []; init; }
}

/// <summary>The row that says which fleets were applied.</summary>
/// <param name="Hashes">The hashes of the last fleets, each once, in the order in which they were last applied. The last one is in force.</param>
internal sealed record FleetImports(IReadOnlyList<string> Hashes)
{
    /// <summary>The id of the row.</summary>
    public const string Id = "imports";

    private const int MaxHashes = 32;

    /// <summary>Nothing was applied.</summary>
    public static FleetImports None { get; } = new([]);

    /// <summary>See <see cref="Fleet.DeclaredVersion"/>; that of the fleet in force.</summary>
    public int? DeclaredVersion { get; init; }

    /// <summary>Whether this fleet is in force.</summary>
    public bool IsCurrent(string hash) => Hashes.Count > 0 && Hashes[^1] == hash;

    /// <summary>Whether this fleet was applied, and another one has replaced it.</summary>
    public bool IsSuperseded(string hash) => Hashes.Contains(hash) && !IsCurrent(hash);

    /// <summary>The row after this fleet is applied.</summary>
    public FleetImports With(Fleet fleet) =>
        new([.. Hashes.Where(hash => hash != fleet.Version).TakeLast(MaxHashes - 1), fleet.Version]) { DeclaredVersion = fleet.DeclaredVersion };
}

/// <summary>Converts a fleet to rows. Something that has not changed becomes the row that is stored already, byte by byte.</summary>
internal static class FleetRows
{
    /// <summary>The id of the row of kind <see cref="FleetRowKind.ConversationKey"/>.</summary>
    public const string ConversationKeyId = "conversations";

    /// <summary>Reads the content of a row.</summary>
    /// <exception cref="JsonException">The row is damaged.</exception>
    public static T Read<T>(byte[] payload, JsonTypeInfo<T> json) => JsonSerializer.Deserialize(payload, json) ?? throw new JsonException("The row is null.");

    /// <summary>The rows of everything in a fleet, except its settings.</summary>
    /// <param name="known">The rows that are stored.</param>
    /// <param name="fleet">The fleet.</param>
    /// <param name="now">The date of models that are new and have none.</param>
    public static IEnumerable<(FleetItemId Item, FleetRowKind Kind, string Id, byte[] Payload)> Convert(FleetLog known, Fleet fleet, DateTimeOffset now)
    {
        foreach (var tenant in fleet.Tenants)
        {
            yield return Row(FleetItemKind.Tenant, tenant.Id, Write(tenant with { Keys = [] }, MessagesJson.Default.TenantDefinition));
            foreach (var row in ConvertKeys(tenant)) yield return row;
        }
        foreach (var account in fleet.Accounts)
        {
            var before = known.Read(FleetRowKind.Account, account.Id, MessagesJson.Default.AccountDefinition);
            yield return Row(FleetItemKind.Account, account.Id, Write(KeepSeals(before, account), MessagesJson.Default.AccountDefinition));
        }
        foreach (var listener in fleet.Listeners)
        {
            var before = known.Read(FleetRowKind.Listener, listener.Id, MessagesJson.Default.ListenerDefinition);
            var after = listener with { Token = Keep(before?.Token, listener.Token)!, Proxy = Keep(before?.Proxy, listener.Proxy) };
            yield return Row(FleetItemKind.Listener, listener.Id, Write(after, MessagesJson.Default.ListenerDefinition));
        }
        foreach (var bot in fleet.Bots) yield return Row(FleetItemKind.Bot, bot.Id, Write(bot, MessagesJson.Default.BotDefinition));
        foreach (var model in fleet.Models)
        {
            var before = known.Read(FleetRowKind.Model, model.Id, MessagesJson.Default.ModelDefinition);
            var dated = model.CreatedAt == default ? model with { CreatedAt = before?.CreatedAt ?? now } : model;
            yield return Row(FleetItemKind.Model, model.Id, Write(dated, MessagesJson.Default.ModelDefinition));
        }

        static (FleetItemId, FleetRowKind, string, byte[]) Row(FleetItemKind kind, string id, byte[] payload) =>
            (new(kind, id), FleetContent.KindOf(kind), id, payload);
    }

    /// <summary>The rows of the keys of a tenant.</summary>
    public static IEnumerable<(FleetItemId Item, FleetRowKind Kind, string Id, byte[] Payload)> ConvertKeys(TenantDefinition tenant) =>
        from key in tenant.Keys
        from row in FleetKeys.ToRows(tenant.Id, key)
        select (FleetItemId.Key(tenant.Id, key.Name), FleetRowKind.Key, row.Hash, Write(row.Info, MessagesJson.Default.ApiKeyInfo));

    private static AccountDefinition KeepSeals(AccountDefinition? before, AccountDefinition after) => after with
    {
        Token = Keep(before?.Token, after.Token),
        Proxy = Keep(before?.Proxy, after.Proxy),
        OAuth = after.OAuth is { } oauth ? oauth with { PrivateKey = Keep(before?.OAuth?.PrivateKey, oauth.PrivateKey)! } : null,
    };

    /// <summary>The notifications of a fleet, with the stored seals of secrets that have not changed.</summary>
    public static NotificationsDefinition? KeepSeals(NotificationsDefinition? before, NotificationsDefinition? after) => after is null ? null : new()
    {
        Webhook = after.Webhook is { } webhook
            ? new WebhookDefinition(Keep(before?.Webhook?.Url, webhook.Url)!, Keep(before?.Webhook?.Secret, webhook.Secret))
            : null,
        Telegram = after.Telegram is { } telegram ? telegram with { Token = Keep(before?.Telegram?.Token, telegram.Token)! } : null,
    };

    private static Secret? Keep(Secret? before, Secret? after) => before == after ? before : after;

    /// <summary>Writes the content of a row.</summary>
    public static byte[] Write<T>(T content, JsonTypeInfo<T> json) => JsonSerializer.SerializeToUtf8Bytes(content, json);
}
