using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Fleets.Documents;

/// <summary>
/// Reads and writes things of the fleet with the readers and the checks of fleet files. Texts of the API never name files or environment variables of a node.
/// </summary>
internal sealed class FleetDocuments(AesSecretSeal seal) : IFleetDocuments
{
    private const int MaxDepth = FleetYaml.MaxDepth;

    // In a single thing, a dollar sign is a dollar sign. A document is a fleet file: "$$" is one, and no variable is set.
    private static readonly EnvironmentValues NoVariables = new(static _ => null);

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly FleetWriter Items = new(text => text, _ => IFleetDocuments.StoredSecret, _ => IFleetDocuments.StoredSecret);

    /// <inheritdoc />
    public Fleet ReadItem(FleetEdit edit, Fleet stored)
    {
        var (item, body) = (edit.Item, ParseObject(edit.Json ?? ""));
        // Other things have no secrets that are encrypted, so a command changes them without the key of the node.
        if (item.Kind is FleetItemKind.Account or FleetItemKind.Listener or FleetItemKind.Settings) FollowSealKey(stored);
        if (edit.Action == FleetEditAction.Patch) body = JsonNodes.Merge(ItemJson(item, stored)!, body)!.AsObject();
        var root = Wrap(item, body, stored);
        if (edit.AllowsUserAccounts) root["allow_user_accounts"] = true;
        var filled = new StoredSecrets(stored, seal, text => text).Fill(ToNodes(root));
        return Build(FleetReader.ReadPart(filled, EnvironmentValues.Literal), PrefixOf(item, "0", "0"));
    }

    /// <inheritdoc />
    public Fleet Read(string text, Fleet stored)
    {
        FollowSealKey(stored);
        if (text.AsSpan().TrimStart() is ['{', ..] && TryParse(text) is { } json)
            return Build(FleetReader.ReadPart(new StoredSecrets(stored, seal, Escape).Fill(ToNodes(json)), NoVariables), "");
        var problems = new List<FleetProblem>();
        if (FleetYaml.Read(text, problems) is not { } root) throw Refuse(problems, "");
        if (problems.Count > 0) throw Refuse(problems, "");
        return Build(FleetReader.ReadPart(new StoredSecrets(stored, seal, Escape).Fill(root), NoVariables), "");
    }

    /// <inheritdoc />
    public string? WriteItem(FleetItemId id, Fleet fleet) => ItemJson(id, fleet)?.ToJsonString(Readable);

    /// <inheritdoc />
    public string Write(Fleet fleet, bool withSecrets)
    {
        Func<Secret, string> secret = withSecrets ? value => Escape(seal.Open(value)) : _ => IFleetDocuments.StoredSecret;
        Func<string, string> hash = withSecrets ? value => value : _ => IFleetDocuments.StoredSecret;
        return new FleetWriter(Escape, secret, hash).Write(fleet).ToJsonString(Readable);
    }

    /// <inheritdoc />
    public void Check(Fleet fleet, FleetItemId? changed)
    {
        var context = new FleetReadContext(EnvironmentValues.Literal, folder: null);
        var declared = DeclaredFleet.Of(fleet, context);
        FleetChecks.CheckUnique(context, declared);
        FleetChecks.Run(declared);
        if (context.Problems.Count == 0) return;
        var prefix = changed is { } item ? PrefixOf(item, item.Kind == FleetItemKind.Key ? item.TenantOfKey() : item.Id, item.NameOrId()) : "";
        throw Refuse(context.Problems, prefix);
    }

    // The catalog may know of a rotation before the view of this process does. A secret that is encrypted with the old key could be lost with it.
    private void FollowSealKey(Fleet stored)
    {
        if (stored.SealKey is { } key && key.KeyId != seal.KeyId) seal.Choose(key, stored: null);
    }

    private static JsonObject? ItemJson(FleetItemId id, Fleet fleet)
    {
        return id.Kind switch
        {
            FleetItemKind.Tenant => One(fleet.Tenants.Where(tenant => tenant.Id == id.Id), tenant => Items.Tenant(tenant, withKeys: false)),
            FleetItemKind.Key => One(
                fleet.Tenants.Where(tenant => tenant.Id == id.TenantOfKey()).SelectMany(tenant => tenant.Keys).Where(key => key.Name == id.NameOfKey()),
                Items.Key),
            FleetItemKind.Account => One(fleet.Accounts.Where(account => account.Id == id.Id), Items.Account),
            FleetItemKind.Listener => One(fleet.Listeners.Where(listener => listener.Id == id.Id), Items.Listener),
            FleetItemKind.Bot => One(fleet.Bots.Where(bot => bot.Id == id.Id), Items.Bot),
            FleetItemKind.Model => One(fleet.Models.Where(model => model.Id == id.Id), Items.Model),
            _ => Items.Settings(fleet),
        };

        static JsonObject? One<T>(IEnumerable<T> found, Func<T, JsonObject> write) where T : class =>
            found.SingleOrDefault() is { } thing ? write(thing) : null;
    }

    private static JsonObject ParseObject(string json) =>
        TryParse(json) as JsonObject ?? throw new ClusterException(ErrorCode.InvalidRequest, "The body is not a JSON object, or has a member twice.");

    private static YamlNode ToNodes(JsonNode json)
    {
        try
        {
            return JsonNodes.Convert(json);
        }
        catch (InvalidOperationException exception)
        {
            throw new ClusterException(ErrorCode.InvalidRequest, "The body has a text that is not valid Unicode.", inner: exception);
        }
    }

    private static JsonNode? TryParse(string json)
    {
        try
        {
            return JsonNode.Parse(json, null, Strict);
        }
        catch (JsonException)
        {
            // The message of the exception may repeat a part of the text, which may be a secret.
            return null;
        }
    }

    /// <summary>The document that has nothing but one thing.</summary>
    private static JsonObject Wrap(FleetItemId item, JsonObject body, Fleet stored)
    {
        switch (item.Kind)
        {
            case FleetItemKind.Settings:
                if (body.FirstOrDefault(member => member.Key is not ("notifications" or "endpoints" or "allow_weak_keys")).Key is { } name)
                    throw new ClusterException(ErrorCode.InvalidRequest, "Settings have 'notifications', 'endpoints' and 'allow_weak_keys'.", name);
                return body;
            case FleetItemKind.Key:
                SetId(body, "name", item.NameOfKey());
                SetSecret(body, stored.Tenants.SelectMany(tenant => tenant.Keys).FirstOrDefault());
                var tenant = new JsonObject { ["id"] = item.TenantOfKey(), ["keys"] = new JsonArray(body) };
                return new JsonObject { ["tenants"] = new JsonArray(tenant) };
            case FleetItemKind.Tenant when body.ContainsKey("keys"):
                throw new ClusterException(ErrorCode.InvalidRequest, "The keys of a tenant are changed one by one.", "keys");
            default:
                SetId(body, "id", item.Id);
                return new JsonObject { [SectionOf(item.Kind)] = new JsonArray(body) };
        }
    }

    private static void SetId(JsonObject body, string member, string id)
    {
        if (body.TryGetPropertyValue(member, out var given) && given?.ToString() != id)
            throw new ClusterException(ErrorCode.InvalidRequest, $"This is not the {member} in the address of the request.", member);
        body[member] = id;
    }

    // Without a secret of its own, a key keeps the stored one, or has the one that was made for it.
    private static void SetSecret(JsonObject body, ApiKeyDefinition? stored)
    {
        if (!body.ContainsKey("key") && !body.ContainsKey("hash")) body["hash"] = IFleetDocuments.StoredSecret;
        if (stored?.Hint is { } hint && body["hash"]?.ToString() == IFleetDocuments.StoredSecret) body["hint"] = hint;
    }

    private static string SectionOf(FleetItemKind kind) => kind == FleetItemKind.Key ? "tenants" : WireName.Of(kind) + "s";

    private static string PrefixOf(FleetItemId item, string owner, string key) => item.Kind switch
    {
        FleetItemKind.Settings => "",
        FleetItemKind.Key => $"tenants[{owner}].keys[{key}]",
        _ => $"{SectionOf(item.Kind)}[{owner}]",
    };

    private Fleet Build(FleetResult result, string prefix) => result.File is { } file ? FleetBuilder.Build(file, seal) : throw Refuse(result.Problems, prefix);

    private static ClusterException Refuse(IReadOnlyList<FleetProblem> problems, string prefix)
    {
        var (first, more) = (problems[0], problems.Count - 1);
        var isInside = prefix.Length > 0 && first.Path.StartsWith(prefix, StringComparison.Ordinal);
        var field = isInside ? first.Path[prefix.Length..].TrimStart('.') : first.Path;
        var place = (first.Line > 0 ? $"Line {first.Line}: " : "") + (isInside || first.Path.Length == 0 ? "" : $"{first.Path}: ");
        var rest = more switch { 0 => "", 1 => " There is one more problem.", _ => $" There are {more} more problems." };
        return new ClusterException(ErrorCode.InvalidRequest, place + first.Message + rest, field.Length > 0 ? field : null);
    }

    private static string Escape(string text) => text.Replace("$", "$$", StringComparison.Ordinal);
}
