using System.Security.Cryptography;

namespace CozeCluster.Silo.Fleets;

/// <summary>Reads the section <c>accounts</c>.</summary>
internal static class AccountSection
{
    private const string ExpectedPem = "an RSA private key in PEM, unencrypted (-----BEGIN PRIVATE KEY-----)";

    public static IReadOnlyList<DeclaredAccount> Read(FleetField section) =>
        [.. section.List("account").Select(item => item.Map(ReadAccount)).OfType<DeclaredAccount>()];

    private static DeclaredAccount ReadAccount(FleetMap map)
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
            Limits = LimitsSection.Read(map.Optional("limits"), withTurns: false),
            CredentialFromRequest = ReadCredentials(map.Optional("credentials"), name),
        };
        var (token, oauth, tokenAt) = ReadCredential(map, upstream);
        var proxy = map.Optional("proxy").Proxy();
        var options = map.Optional("options");

        // The options depend on the upstream. An unknown upstream is reported alone, without its options.
        if (upstream is not null) definition = definition with { Options = options.Options(map, upstream.CheckAccountOptions) };
        return new DeclaredAccount(id, tokenAt, options, new FleetAccount(definition, token, oauth, proxy));
    }

    private static (string? Token, FleetOAuth? OAuth, FleetField TokenAt) ReadCredential(FleetMap map, UpstreamDescription? upstream)
    {
        var token = map.Optional("token");
        var file = map.Optional("token_file");
        var oauth = map.Optional("oauth");
        if (upstream is { AllowsOAuth: false } && oauth.Exists)
            oauth.Report($"Accounts of the upstream '{upstream.Name}' have a token. They cannot use an OAuth application.");
        else if (UpstreamNames.IsLanguageModel(upstream?.Name))
            map.RequireOneOf("token", "token_file", "credentials");
        else if (upstream is { AllowsOAuth: false })
            map.RequireOneOf("token", "token_file");
        else
            map.RequireOneOf("token", "token_file", "oauth");
        return (token.Token(file), oauth.Map(ReadOAuth), token.Exists ? token : file);
    }

    private static bool ReadCredentials(FleetField field, string upstream)
    {
        var isFromRequest = field.Text(text => text == "request", "request: every request brings its own credential") is not null;
        if (!field.Exists || UpstreamNames.IsLanguageModel(upstream)) return isFromRequest;
        field.Report("Only accounts of language models can take credentials from requests.");
        return false;
    }

    private static FleetOAuth ReadOAuth(FleetMap map)
    {
        var key = map.Optional("private_key");
        var file = map.Optional("private_key_file");
        map.RequireOneOf("private_key", "private_key_file");
        var keyFromFile = file.SecretFile(IsRsaPrivateKey, ExpectedPem);
        return new FleetOAuth(
            map.Required("app_id").UpstreamId(),
            map.Required("key_id").UpstreamId(),
            key.Text(IsRsaPrivateKey, ExpectedPem) ?? keyFromFile ?? "",
            map.Optional("enterprise_account_id") is { Exists: true } enterprise ? enterprise.UpstreamId() : null);
    }

    private static bool IsRsaPrivateKey(string text)
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
