using System.Text;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>Puts a fleet file together.</summary>
internal sealed class TestFleet
{
    public const string Key = "key-of-main-tenant";
    public const string OtherKey = "key-of-other-tenant";
    public const string ForgetfulKey = "key-of-forgetful-tenant";
    public const string NarrowKey = "key-of-narrow-tenant";
    public const string AdminKey = "key-of-the-operators";

    private readonly StringBuilder _accounts = new();
    private readonly StringBuilder _bots = new();
    private readonly StringBuilder _models = new();

    /// <summary>The file.</summary>
    public override string ToString() => $$"""
        tenants:
          - id: main
            keys:
              - { name: app, key: {{Key}} }
              - { name: ops, key: {{AdminKey}}, admin: true }
          - id: other
            keys: [{ name: app, key: {{OtherKey}} }]
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

    /// <summary>An account with a token that may be written <c>${NAME}</c>.</summary>
    public TestFleet Account(string id, Uri coze, string token) => Account(id, coze.ToString().TrimEnd('/'), $"token: \"{token}\"");

    /// <summary>An account with an OAuth app.</summary>
    public TestFleet OAuthAccount(string id, Uri coze, string appId, string keyId, string privateKeyFile) =>
        Account(id, coze.ToString().TrimEnd('/'), $$"""oauth: { app_id: "{{appId}}", key_id: "{{keyId}}", private_key_file: "{{privateKeyFile}}" }""");

    public TestFleet Bot(string id, string botId, string accounts, string more = "") => Add(_bots, $$"""
          - { id: {{id}}, upstream: coze, bot_id: "{{botId}}", accounts: [{{accounts}}]{{(more.Length > 0 ? ", " + more : "")}} }
        """);

    public TestFleet Model(string id, string bots, string more = "") => Add(_models, $$"""
          - { id: {{id}}, bots: [{{bots}}]{{(more.Length > 0 ? ", " + more : "")}} }
        """);

    /// <summary>A model with a bot and an account of its own, so that what goes wrong with it concerns nobody else.</summary>
    public TestFleet Alone(string id, Uri coze, string more = "", string botId = Bots.One, string token = "pat_sandbox") =>
        Account(id, coze, token).Bot(id, botId, id, more).Model(id, id);

    private TestFleet Account(string id, string baseUrl, string credential) => Add(_accounts, $$"""
          - { id: {{id}}, upstream: coze, base_url: "{{baseUrl}}", {{credential}} }
        """);

    private TestFleet Add(StringBuilder section, string line)
    {
        section.AppendLine(line);
        return this;
    }
}

/// <summary>Ids of the fake Coze's bots.</summary>
internal static class Bots
{
    public const string One = "7350000000000000001";
    public const string Two = "7350000000000000002";
    public const string Three = "7350000000000000003";
    public const string Unpublished = "7350000000000000009";
    public const string Unknown = "7350000000000000077";
}
