using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using CozeCluster.Grains;
using CozeCluster.Silo.Fleets.Documents;
using CozeCluster.Silo.Secrets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>The commands <c>keys create</c>, <c>keys list</c> and <c>keys revoke</c>.</summary>
internal static class KeyCommands
{
    private const string By = "command line";

    /// <summary>Executes one of the commands.</summary>
    /// <exception cref="StartException">A setting is not valid.</exception>
    /// <exception cref="ClusterException">The storage cannot be used, or refuses the change.</exception>
    public static async Task<int> Run(NodeCommand command, KeyRequest request, SettingSource settings, string folder, TextWriter output)
    {
        await using var open = await Open(settings, folder);
        // API keys are stored as hashes, so that no secret has to be opened or sealed with the key of the cluster.
        var documents = new FleetDocuments(new AesSecretSeal(RandomNumberGenerator.GetBytes(AesSecretSeal.KeyBytes)));
        var fleet = new StoredFleet(open.Store, documents, TimeProvider.System);
        switch (command)
        {
            case NodeCommand.KeysCreate: await Create(fleet, request, output); break;
            case NodeCommand.KeysRevoke:
                var item = FleetItemId.Key(request.Tenant!, request.Name);
                await fleet.Change(new FleetEdit(FleetEditAction.Delete, item, By) { IsByOwner = true });
                await output.WriteLineAsync($"Revoked the {item}.");
                break;
            default: await List(fleet, request, output); break;
        }
        return ExitCodes.Success;
    }

    private static async Task Create(StoredFleet fleet, KeyRequest request, TextWriter output)
    {
        var (tenant, made) = (new FleetItemId(FleetItemKind.Tenant, request.Tenant!), NewApiKey.Create());
        var json = new JsonObject();
        if (request.Role is { } role) json["role"] = role;
        if (request.Expires is { } expires) json["expires"] = expires;
        if (request.Models is { } models) json["models"] = List(models);
        if (request.IpRanges is { } ranges) json["ip"] = List(ranges);
        if (request.Limits is { } limits) json["limits"] = ReadLimits(limits);
        if (request.Disabled) json["disabled"] = true;
        if ((await fleet.List(FleetItemKind.Tenant, null)).All(known => known.Id != tenant))
        {
            await fleet.Change(new FleetEdit(FleetEditAction.Put, tenant, By) { Json = "{}", Expected = FleetEdit.New });
            await output.WriteLineAsync($"Made the {tenant}.");
        }
        await fleet.Change(new FleetEdit(FleetEditAction.Put, FleetItemId.Key(request.Tenant!, request.Name), By)
        {
            Json = json.ToJsonString(), Key = made.Stored, Expected = FleetEdit.New, IsByOwner = true,
        });
        await output.WriteLineAsync(made.Text);
    }

    private static JsonArray List(string text) => new([.. text.Split(',', StringSplitOptions.TrimEntries).Select(item => (JsonNode)item)]);

    // The reader of fleet files checks the members.
    private static JsonNode? ReadLimits(string json)
    {
        try
        {
            return JsonNode.Parse(json, null, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException exception)
        {
            throw new StartException($"Invalid --limits: it is not JSON: {exception.Message}");
        }
    }

    private static async Task List(StoredFleet fleet, KeyRequest request, TextWriter output)
    {
        foreach (var key in await fleet.List(FleetItemKind.Key, request.Tenant))
        {
            var members = JsonNode.Parse(key.Json)!.AsObject();
            string?[] notes =
            [
                key.Hint, (string?)members["role"], members["expires"] is { } expires ? $"expires {expires}" : null,
                members["disabled"] is null ? null : "disabled", key.IsManaged ? null : "from the fleet file",
            ];
            await output.WriteLineAsync($"{key.Id.Id}  {string.Join(", ", notes.Where(note => note is not null))}".TrimEnd());
        }
    }

    private static Task<OpenFleetStore> Open(SettingSource settings, string folder)
    {
        if (StoreCommands.IsCluster(settings))
        {
            var (postgres, cluster) = StoreCommands.ReadCluster(settings);
            return OpenFleetStore.OpenClusterAsync(postgres, cluster);
        }
        return Task.FromResult(OpenFleetStore.OpenFolder(StoreCommands.ReadFolder(settings, folder), TimeProvider.System));
    }
}
