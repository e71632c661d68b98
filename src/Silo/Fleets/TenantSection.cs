using CozeCluster.Silo.SandboxMode;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>tenants</c>.</summary>
internal static class TenantSection
{
    private const string ExpectedKey = "an API key: 8 to 256 printable ASCII characters, no spaces";
    private const string ExpectedHash = "the SHA-256 of an API key as 64 hexadecimal digits";
    private const string SandboxKeyRefused = "Keys that begin with 'sk-sandbox' are reserved for sandbox mode, because they are public. Choose a secret key.";

    public static IReadOnlyList<DeclaredTenant> Read(FleetField section) =>
        [.. section.List("tenant").Select(item => item.Map(ReadTenant)).OfType<DeclaredTenant>()];

    private static DeclaredTenant ReadTenant(FleetMap map)
    {
        var id = map.Required("id");
        var keys = map.Required("keys").List("key").Select(item => item.Map(ReadKey)).OfType<DeclaredKey>().ToList();
        var definition = new TenantDefinition
        {
            Id = id.Id(),
            Keys = [.. keys.Select(key => key.Definition)],
            MaxConcurrentTurns = map.Optional("max_concurrent_turns").Turns(),
            StoreConversations = map.Optional("store_conversations").Flag() ?? true,
        };
        return new DeclaredTenant(id, definition, keys);
    }

    private static DeclaredKey ReadKey(FleetMap map)
    {
        var name = map.Required("name");
        var key = map.Optional("key");
        var hash = map.Optional("hash");
        map.RequireOneOf("key", "hash");
        var plain = key.Text(text => text.Length is >= 8 and <= 256 && text.All(c => c is > ' ' and <= '~'), ExpectedKey);
        if (plain?.StartsWith(SandboxKeys.Prefix, StringComparison.Ordinal) == true) key.Report(SandboxKeyRefused);
        var digest = plain is not null ? GrainKeys.ApiKeyHash(plain) : hash.Text(IsHash, ExpectedHash)?.ToLowerInvariant();
        if (plain is null && digest is not null && SandboxKeys.Hashes.Contains(digest)) hash.Report(SandboxKeyRefused);
        var definition = new ApiKeyDefinition(name.Title(), digest ?? "", map.Optional("admin").Flag() ?? false);
        return new DeclaredKey(name, (key.Exists ? key : hash).Place, definition);
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);
}
