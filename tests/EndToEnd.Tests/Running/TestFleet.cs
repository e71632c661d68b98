using System.Text;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>Builds a fleet file.</summary>
internal sealed class TestFleet
{
    public const string Key = "key-of-main-tenant";
    public const string OtherKey = "key-of-other-tenant";
    public const string ForgetfulKey = "key-of-forgetful-tenant";
    public const string NarrowKey = "key-of-narrow-tenant";
    public const string AdminKey = "key-of-the-operators";
    public const string OperatorKey = "key-of-an-operator";
    public const string ViewerKey = "key-of-a-viewer";
    public const string TenantAdminKey = "key-of-the-admin-of-the-main-tenant";
    public const string OtherTenantAdminKey = "key-of-the-admin-of-the-other-tenant";

    private readonly StringBuilder _accounts = new();
    private readonly StringBuilder _bots = new();
    private readonly StringBuilder _models = new();

    /// <summary>The text of the file.</summary>
    public override string ToString() => $$"""
        tenants:
          - id: main
            keys:
              - { name: app, key: {{Key}} }
              - { name: ops, key: {{AdminKey}}, admin: true }
              - { name: operator, key: {{OperatorKey}}, role: operator }
              - { name: viewer, key: {{ViewerKey}}, role: viewer }
              - { name: admin, key: {{TenantAdminKey}}, role: tenant_admin }
          - id: other
            keys: [{ name: app, key: {{OtherKey}} }, { name: admin, key: {{OtherTenantAdminKey}}, role: tenant_admin }]
          - id: forgetful
            keys: [{ name: app, key: {{ForgetfulKey}} }]
            store_conversations: false
          - id: narrow
            keys: [{ name: app, key: {{NarrowKey}} }]
            max_concurrent_turns: 1
        accounts:
        {{_accounts}}
        bots:
        {{_bots}}
        models:
        {{_models}}
        """;

    /// <summary>Adds an account with a token. The token may refer to an environment variable: <c>${NAME}</c>.</summary>
    public TestFleet AddAccount(string id, Uri coze, string token) => AddAccount(id, coze.ToString().TrimEnd('/'), $"token: \"{token}\"");

    /// <summary>Adds an account with an OAuth app.</summary>
    public TestFleet AddOAuthAccount(string id, Uri coze, string appId, string keyId, string privateKeyFile) =>
        AddAccount(id, coze.ToString().TrimEnd('/'), $$"""oauth: { app_id: "{{appId}}", key_id: "{{keyId}}", private_key_file: "{{privateKeyFile}}" }""");

    public TestFleet AddBot(string id, string botId, string accounts, string options = "") => Add(_bots, $$"""
          - { id: {{id}}, upstream: coze, bot_id: "{{botId}}", accounts: [{{accounts}}]{{(options.Length > 0 ? ", " + options : "")}} }
        """);

    public TestFleet AddModel(string id, string bots, string options = "") => Add(_models, $$"""
          - { id: {{id}}, bots: [{{bots}}]{{(options.Length > 0 ? ", " + options : "")}} }
        """);

    /// <summary>Adds a model with its own bot and its own account, so that its failures do not affect other models.</summary>
    public TestFleet AddIsolatedModel(string id, Uri coze, string botOptions = "", string botId = Bots.One, string token = "pat_sandbox") =>
        AddAccount(id, coze, token).AddBot(id, botId, id, botOptions).AddModel(id, id);

    /// <summary>Adds a bot on Discord, with its own account. The listener and <c>allow_user_accounts</c> are declared elsewhere.</summary>
    public TestFleet AddDiscordBot(string id, Uri api, string botId, string token, string listener)
    {
        Add(_accounts, $$"""
              - { id: {{id}}, upstream: discord, base_url: "{{api}}", token: "{{token}}", options: { kind: user } }
            """);
        return Add(_bots, $$"""
              - { id: {{id}}, upstream: discord, bot_id: "{{botId}}", accounts: [{{id}}], options: { listener: {{listener}} } }
            """);
    }

    /// <summary>Adds a bot of a language model, with its own account.</summary>
    /// <param name="id">The id of the bot and of the account.</param>
    /// <param name="upstream">The upstream.</param>
    /// <param name="baseUrl">The URL of its API.</param>
    /// <param name="model">The upstream's name of the model.</param>
    /// <param name="token">The token.</param>
    /// <param name="options">Further keys of the bot.</param>
    public TestFleet AddLanguageModel(string id, string upstream, Uri baseUrl, string model, string token, string options = "") =>
        AddModelOf(id, upstream, baseUrl, model, $"token: \"{token}\"", options);

    /// <summary>Adds a bot of a language model whose clients bring their own keys.</summary>
    /// <inheritdoc cref="AddLanguageModel"/>
    public TestFleet AddOwnKeyModel(string id, string upstream, Uri baseUrl, string model, string options = "") =>
        AddModelOf(id, upstream, baseUrl, model, "credentials: request", options);

    private TestFleet AddModelOf(string id, string upstream, Uri baseUrl, string model, string credential, string options)
    {
        Add(_accounts, $$"""
              - { id: {{id}}, upstream: {{upstream}}, base_url: "{{baseUrl}}", {{credential}} }
            """);
        return Add(_bots, $$"""
              - { id: {{id}}, upstream: {{upstream}}, bot_id: "{{model}}", accounts: [{{id}}]{{(options.Length > 0 ? ", " + options : "")}} }
            """);
    }

    private TestFleet AddAccount(string id, string baseUrl, string credential) => Add(_accounts, $$"""
          - { id: {{id}}, upstream: coze, base_url: "{{baseUrl}}", {{credential}} }
        """);

    private TestFleet Add(StringBuilder section, string line)
    {
        section.AppendLine(line);
        return this;
    }
}

/// <summary>Ids of the bots of the fake Coze.</summary>
internal static class Bots
{
    public const string One = "7350000000000000001";
    public const string Two = "7350000000000000002";
    public const string Three = "7350000000000000003";
    public const string Unpublished = "7350000000000000009";
    public const string Unknown = "7350000000000000077";
}
