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

    /// <summary>The rows that are written to replace the known fleet by another one.</summary>
    /// <param name="known">The rows that are stored.</param>
    /// <param name="fleet">The other fleet.</param>
    /// <param name="now">The date of models that are new and have none.</param>
    public static List<FleetRow> Difference(FleetLog known, Fleet fleet, DateTimeOffset now)
    {
        var version = known.Version + 1;
        var changed = new List<FleetRow>();
        var kept = new HashSet<(FleetRowKind, string)>();
        foreach (var (kind, id, payload) in Convert(known, fleet, now))
        {
            kept.Add((kind, id));
            if (known.Find(kind, id)?.Payload.AsSpan().SequenceEqual(payload) != true) changed.Add(new FleetRow(kind, id, version, payload));
        }
        changed.AddRange(known.Rows.Where(row => !kept.Contains((row.Kind, row.Id))).Select(row => row with { Version = version, Payload = null }));
        return changed;
    }

    /// <summary>Reads the content of a row.</summary>
    /// <exception cref="JsonException">The row is damaged.</exception>
    public static T Read<T>(byte[] payload, JsonTypeInfo<T> json) => JsonSerializer.Deserialize(payload, json) ?? throw new JsonException("The row is null.");

    private static IEnumerable<(FleetRowKind Kind, string Id, byte[] Payload)> Convert(FleetLog known, Fleet fleet, DateTimeOffset now)
    {
        var settings = new FleetSettings([.. fleet.Models.Select(model => model.Id)])
        {
            Notifications = KeepSeals(known.Read(FleetRowKind.Settings, FleetSettings.Id, StateJson.Default.FleetSettings)?.Notifications, fleet.Notifications),
            Endpoints = fleet.Endpoints,
        };
        yield return (FleetRowKind.Settings, FleetSettings.Id, Write(settings, StateJson.Default.FleetSettings));
        yield return (FleetRowKind.Imports, FleetImports.Id, Write(known.Imports.With(fleet), StateJson.Default.FleetImports));
        // Created once: under another key, nobody would find the named conversations.
        var key = known.Find(FleetRowKind.ConversationKey, ConversationKeyId)?.Payload;
        yield return (FleetRowKind.ConversationKey, ConversationKeyId, key is { Length: ConversationIds.KeyBytes } ? key : ConversationIds.NewKey());
        foreach (var tenant in fleet.Tenants)
        {
            yield return (FleetRowKind.Tenant, tenant.Id, Write(tenant with { Keys = [] }, MessagesJson.Default.TenantDefinition));
            foreach (var apiKey in tenant.Keys)
            {
                var info = new ApiKeyInfo(tenant.Id, apiKey.Name, apiKey.Admin)
                {
                    ErrorText = apiKey.ErrorText,
                    Compat = apiKey.Compat,
                    Models = apiKey.Models,
                    IpRanges = apiKey.IpRanges,
                    ExpiresAt = apiKey.ExpiresAt,
                    Disabled = apiKey.Disabled,
                    Limits = apiKey.Limits,
                    Role = apiKey.Role,
                };
                yield return (FleetRowKind.Key, apiKey.Hash, Write(info, MessagesJson.Default.ApiKeyInfo));
            }
        }
        foreach (var account in fleet.Accounts)
        {
            var before = known.Read(FleetRowKind.Account, account.Id, MessagesJson.Default.AccountDefinition);
            yield return (FleetRowKind.Account, account.Id, Write(KeepSeals(before, account), MessagesJson.Default.AccountDefinition));
        }
        foreach (var listener in fleet.Listeners)
        {
            var before = known.Read(FleetRowKind.Listener, listener.Id, MessagesJson.Default.ListenerDefinition);
            var after = listener with { Token = Keep(before?.Token, listener.Token)!, Proxy = Keep(before?.Proxy, listener.Proxy) };
            yield return (FleetRowKind.Listener, listener.Id, Write(after, MessagesJson.Default.ListenerDefinition));
        }
        foreach (var bot in fleet.Bots) yield return (FleetRowKind.Bot, bot.Id, Write(bot, MessagesJson.Default.BotDefinition));
        foreach (var model in fleet.Models)
        {
            var before = known.Read(FleetRowKind.Model, model.Id, MessagesJson.Default.ModelDefinition);
            var dated = model.CreatedAt == default ? model with { CreatedAt = before?.CreatedAt ?? now } : model;
            yield return (FleetRowKind.Model, model.Id, Write(dated, MessagesJson.Default.ModelDefinition));
        }
    }

    private static AccountDefinition KeepSeals(AccountDefinition? before, AccountDefinition after) => after with
    {
        Token = Keep(before?.Token, after.Token),
        Proxy = Keep(before?.Proxy, after.Proxy),
        OAuth = after.OAuth is { } oauth ? oauth with { PrivateKey = Keep(before?.OAuth?.PrivateKey, oauth.PrivateKey)! } : null,
    };

    private static NotificationsDefinition? KeepSeals(NotificationsDefinition? before, NotificationsDefinition? after) => after is null ? null : new()
    {
        Webhook = after.Webhook is { } webhook
            ? new WebhookDefinition(Keep(before?.Webhook?.Url, webhook.Url)!, Keep(before?.Webhook?.Secret, webhook.Secret))
            : null,
        Telegram = after.Telegram is { } telegram ? telegram with { Token = Keep(before?.Telegram?.Token, telegram.Token)! } : null,
    };

    private static Secret? Keep(Secret? before, Secret? after) => before == after ? before : after;

    private static byte[] Write<T>(T content, JsonTypeInfo<T> json) => JsonSerializer.SerializeToUtf8Bytes(content, json);
}
