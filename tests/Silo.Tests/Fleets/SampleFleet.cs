using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>Small valid fleet files, and helpers to put mistakes into them.</summary>
internal static class SampleFleet
{
    public const string Text = """
        timeouts: { first_byte: 20s }
        tenants:
          - id: acme
            keys:
              - name: app
                key: key-of-acme
              - name: ops
                key: key-of-ops
                admin: true
            max_concurrent_turns: 10
            store_conversations: false
        accounts:
          - id: main
            upstream: coze
            token: pat_secret_1
          - id: spare
            upstream: coze
            base_url: https://coze.example/api/
            token: ${SPARE_TOKEN}
            proxy: socks5://user:password@proxy.example:1080
        bots:
          - id: helper
            upstream: coze
            bot_id: 7345678901234567890
            accounts: [main, spare]
            max_concurrent_turns: 5
            timeouts: { idle: 1m30s }
        models:
          - id: coze-helper
            bots: [helper]
            tenants: [acme]
        """;

    /// <summary>A valid fleet file of bots on Discord.</summary>
    public const string Discord = """
        tenants:
          - id: acme
            keys: [{ name: app, key: key-of-acme }]
        listeners:
          - id: ear
            token: listener_token_1
            guild_id: 1000000000000000001
          - id: other-ear
            token: listener_token_2
            guild_id: "1000000000000000002"
            base_url: http://discord.example/api/v10/
            gateway_url: ws://gateway.example
            shards: 2
            proxy: http://user:password@proxy.example:8080
        accounts:
          - id: writer
            upstream: discord
            token: account_token_1
            options: { kind: user, user_agent: "Mozilla/5.0 (X11)", daily_posts: 80 }
          - id: official
            upstream: discord
            token: account_token_2
            max_concurrent_turns: 3
        bots:
          - id: helper
            upstream: discord
            bot_id: 1000000000000000031
            accounts: [writer, official]
            options:
              listener: ear
              channel: thread
              channel_id: 1000000000000000041
        models:
          - id: helper
            bots: [helper]
        allow_user_accounts: true
        """;

    public static Dictionary<string, string?> Environment => new() { ["SPARE_TOKEN"] = "pat_secret_2", ["EMPTY"] = "" };

    public static FleetReader Reader => new(new EnvironmentValues(name => Environment.GetValueOrDefault(name)));

    public static FleetResult Read(string text, string directory = "/") => Reader.Read(text, directory);

    /// <summary><see cref="Text"/> with a piece replaced, which must occur in it.</summary>
    public static string With(string old, string @new) => Replace(Text, old, @new);

    /// <summary><see cref="Discord"/> with a piece replaced, which must occur in it.</summary>
    public static string DiscordWith(string old, string @new) => Replace(Discord, old, @new);

    /// <summary>A line with a typical mistake, in several versions.</summary>
    public static IEnumerable<string> BrokenVersionsOf(string line) =>
        [line + " x", line + ": y", line.Replace(": ", ":\n    - ", StringComparison.Ordinal), "  " + line, ""];

    private static string Replace(string text, string old, string @new)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        var at = text.IndexOf(old, StringComparison.Ordinal);
        return text[..at] + @new + text[(at + old.Length)..];
    }
}
