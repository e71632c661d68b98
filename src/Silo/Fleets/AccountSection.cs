using System.Security.Cryptography;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>accounts</c>.</summary>
internal static class AccountSection
{
    private const string ExpectedPem = "an RSA private key in PEM, unencrypted (-----BEGIN PRIVATE KEY-----)";

    public static IReadOnlyList<DeclaredAccount> Read(Field section) =>
        [.. section.List("account").Select(item => item.Map(Account)).OfType<DeclaredAccount>()];

    private static DeclaredAccount Account(MapReader map)
    {
        var id = map.Required("id");
        var name = map.Required("upstream").Upstream();
        var upstream = KnownUpstreams.Find(name);
        var definition = new AccountDefinition
        {
            Id = id.Id(),
            Upstream = name,
            BaseUrl = map.Optional("base_url").BaseUrl() ?? upstream?.BaseUrl ?? "",
            MaxConcurrentTurns = map.Optional("max_concurrent_turns").Turns(),
        };
        var (token, oauth, tokenAt) = Credential(map, upstream);
        var proxy = map.Optional("proxy").Proxy();
        var options = map.Optional("options");

        // Which options there are depends on the upstream: one mistake is reported, not two.
        if (upstream is not null) definition = definition with { Options = options.Options(map, upstream.CheckAccount) };
        return new DeclaredAccount(id, tokenAt, options, new FleetAccount(definition, token, oauth, proxy));
    }

    private static (string? Token, FleetOAuth? OAuth, Field TokenAt) Credential(MapReader map, KnownUpstream? upstream)
    {
        var token = map.Optional("token");
        var file = map.Optional("token_file");
        var oauth = map.Optional("oauth");
        var takesOAuth = upstream?.TakesOAuth ?? true;
        switch ((token.Exists ? 1 : 0) + (file.Exists ? 1 : 0) + (oauth.Exists ? 1 : 0))
        {
            case 0:
                map.Report(takesOAuth ? "A credential is missing: one of 'token', 'token_file' and 'oauth'." : "Either 'token' or 'token_file' is missing.");
                break;
            case > 1:
                map.Report("Expected only one of 'token', 'token_file' and 'oauth', found several.");
                break;
        }
        if (oauth.Exists && !takesOAuth) oauth.Report($"An account at '{upstream!.Name}' has a token, not an OAuth application.");
        return (token.Token(file), oauth.Map(OAuth), token.Exists ? token : file);
    }

    private static FleetOAuth OAuth(MapReader map)
    {
        var key = map.Optional("private_key");
        var file = map.Optional("private_key_file");
        if (key.Exists == file.Exists)
            map.Report(key.Exists ? "Expected either 'private_key' or 'private_key_file', found both." : "Either 'private_key' or 'private_key_file' is missing.");
        var fromFile = file.SecretFile();
        if (fromFile is not null && !IsRsaKey(fromFile)) file.Report($"Expected {ExpectedPem} in that file.");
        return new FleetOAuth(
            map.Required("app_id").ForeignId(),
            map.Required("key_id").ForeignId(),
            key.Text(IsRsaKey, ExpectedPem) ?? fromFile ?? "",
            map.Optional("enterprise_account_id") is { Exists: true } enterprise ? enterprise.ForeignId() : null);
    }

    private static bool IsRsaKey(string text)
    {
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(text);
            return text.Contains("PRIVATE KEY", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return false;
        }
    }
}
