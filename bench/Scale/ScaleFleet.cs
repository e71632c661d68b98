namespace CozeCluster.Scale;

/// <summary>Writes a large fleet file.</summary>
internal static class ScaleFleet
{
    private const int KeysPerTenant = 20;
    private const int BotsPerTenant = 10;

    public static async Task Write(string path, int tenants)
    {
        await using var file = new StreamWriter(path);
        await file.WriteLineAsync("tenants:");
        for (var tenant = 0; tenant < tenants; tenant++)
        {
            await file.WriteLineAsync($"  - id: tenant-{tenant}\n    keys:");
            for (var key = 0; key < KeysPerTenant; key++) await file.WriteLineAsync($"      - {{ name: k{key}, key: sk-scale-{tenant}-{key} }}");
            if (tenant == 0) await file.WriteLineAsync("      - { name: ops, key: sk-scale-admin, admin: true }");
        }
        await file.WriteLineAsync("accounts:");
        for (var account = 0; account < 200; account++)
            await file.WriteLineAsync($"  - {{ id: account-{account}, upstream: coze, base_url: \"http://127.0.0.1:27078\", token: pat_{account} }}");
        await file.WriteLineAsync("bots:");
        for (var bot = 0; bot < tenants * BotsPerTenant; bot++)
            await file.WriteLineAsync($"  - {{ id: bot-{bot}, upstream: coze, bot_id: \"7{bot:d18}\", accounts: [account-{bot % 200}] }}");
        await file.WriteLineAsync("models:");
        for (var tenant = 0; tenant < tenants; tenant++)
        {
            var bots = string.Join(", ", Enumerable.Range(tenant * BotsPerTenant, BotsPerTenant).Select(bot => $"bot-{bot}"));
            await file.WriteLineAsync($"  - {{ id: model-{tenant}, bots: [{bots}], tenants: [tenant-{tenant}] }}");
        }
    }
}
