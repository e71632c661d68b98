using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Documents;

/// <summary>A fleet file that sets every field that a fleet file has.</summary>
internal static class FullFleet
{
    public static string Text { get; } = """
        allow_user_accounts: true
        allow_weak_keys: true
        notifications:
          webhook: { url: "https://chat.example.com/hooks?secret=$$x", secret: hook-secret }
          telegram: { token: "123456:ABC-DEF", chat_id: "-1001", base_url: "https://telegram.example.com" }
        tenants:
          - id: acme
            keys:
              - name: web site
                hash: f8ee3878249ae9ed64eac944c2f0764519f7532daa9cf12ed4e90c2fe2f550d8
                hint: ccl_…wxyz
                previous: { hash: 0000000000000000000000000000000000000000000000000000000000000001, until: "2029-01-31T12:30:15Z" }
                error_text: true
                show_bot: true
                compat: cdb
                models: [support]
                ip: [10.0.0.0/8, 192.0.2.17]
                expires: 2030-01-31
                disabled: true
                limits: { max_concurrent_turns: 5, requests_per_minute: 60, tokens_per_minute: 70, daily: { requests: 1 }, monthly: { credits: 0.5 } }
              - name: boss
                key: a-long-random-key-7f3a9c2e
                role: viewer
            max_concurrent_turns: 50
            store_conversations: false
            telemetry_content: true
            default_model: support
            aliases: { "gpt-*": support, other: support }
            limits: { requests_per_minute: 600, tokens_per_minute: 200000, daily: { requests: 5, tokens: 20, credits: 7 }, monthly: { tokens: 5000 } }
            prepaid: true
        listeners:
          - { id: ear, token: ear-token, guild_id: 1000000000000000001 }
          - { id: other, token: other-token, guild_id: 1000000000000000002, base_url: "http://discord.example/api/v10",
              gateway_url: "ws://g.example", shards: 2, proxy: "http://user:password@proxy.example:8080" }
        accounts:
          - { id: main, upstream: coze, token: "pat_$$$${x}", base_url: "https://coze.example/api", proxy: "socks5://u:p@proxy.example:1080",
              max_concurrent_turns: 20, limits: { requests_per_minute: 30, daily: { tokens: 9000 } } }
          - id: service
            upstream: coze
            oauth: { app_id: "11", key_id: kid, enterprise_account_id: e1, private_key: "PEM" }
            options: { token_lifetime_seconds: 3600 }
          - { id: own, upstream: openai, credentials: request }
          - { id: writer, upstream: discord, token: writer-token, options: { kind: user, daily_posts: 80, user_agent: "Mozilla/5.0 $${X11}" } }
        bots:
          - id: support-one
            upstream: coze
            bot_id: 7400000000000000001
            accounts: [main, service]
            max_concurrent_turns: 10
            limits: { tokens_per_minute: 40, monthly: { requests: 100 } }
            timeouts: { first_byte: 10s, idle: 1m30s, total: 1h }
            keep_active: { every: 12h, text: "Are you \"there\"?" }
            options: { parameters.style: "haiku: yes" }
          - { id: poet, upstream: coze, bot_id: "2", accounts: [main], keep_active: { at: "09:10", time_zone: Asia/Shanghai } }
          - { id: painter, upstream: discord, bot_id: 1100000000000000002, accounts: [writer], options: { listener: ear, channel: fresh } }
          - { id: vectors, upstream: openai, bot_id: text-embedding-3, accounts: [own], task: embeddings }
        models:
          - id: support
            routing: weighted
            bots: [{ id: support-one, weight: 3 }, { id: poet, priority: 2 }]
            fallback: [painter]
            tenants: [acme]
            hidden: true
            tools: refuse
            response_format: refuse
            price: { input: 0.5, output: 2, cached_input: 0.05, request: 0.01 }
          - { id: "a/vectors", bots: [vectors] }
        endpoints:
          - { id: old, port: 7080, host: old.example.com, path: /old, compat: cdb, anonymous: acme, requests_per_minute: 60, networks: [10.0.0.0/8],
              options: { prefix: "$$5" } }
        """.Replace("\"PEM\"", $"\"{Pem.Replace("\n", "\\n", StringComparison.Ordinal)}\"", StringComparison.Ordinal);

    private static string Pem
    {
        get
        {
            using var rsa = System.Security.Cryptography.RSA.Create(2048);
            return rsa.ExportPkcs8PrivateKeyPem();
        }
    }

    public static AesSecretSeal Seal { get; } = new(new byte[AesSecretSeal.KeyBytes]);

    /// <summary>Reads a fleet file as a node does.</summary>
    public static Fleet Read(string text)
    {
        var result = new FleetReader(new EnvironmentValues(_ => null), isReachable: true).Read(text, "/");
        Assert.Equal([], result.Problems.Select(problem => problem.ToString()));
        return FleetBuilder.Build(result.File!, Seal);
    }
}
