namespace CozeCluster.Migration.Tests;

/// <summary>Single keys and errors of the systems other than coze-discord-proxy.</summary>
public sealed class OtherSystemsTests : IDisposable
{
    private const string Bridge = "Bots:\n  - { Key: k-0123456789, Token: u1, Server_id: 1000000000000000001, CozeBot_id: 1000000000000000002 }\n";
    private const string CcpEntry =
        """{ "model": "m", "bot_token": "t", "coze_bot_id": "1000000000000000002", "guild_id": "1000000000000000001", "channel_id": "1000000000000000003" }""";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Ccp_variables_of_the_process_override_those_of_the_file()
    {
        _folder.Write("data/bot.json", $"[{CcpEntry}]");
        _folder.Write(".env", "AUTH_TOKEN=from-file\nSERVER_PORT=8001\n");

        var fleet = Migrator.ReadEnvironment(new Dictionary<string, string?> { ["AUTH_TOKEN"] = "from-process" }, _folder.Path)!;

        Assert.Equal((OldSystem.Ccp, "from-process", 8001), (fleet.System, fleet.Tenants[0].Keys[0].Value.Text, fleet.Endpoints[0].Port));
    }

    [Fact]
    public void Ccp_without_AUTH_TOKEN_has_its_public_default_and_says_so()
    {
        _folder.Write("bot.json", $"[{CcpEntry}]");

        var fleet = Migrator.Read(_folder.Path);

        Assert.StartsWith("1234567890:", fleet.Tenants[0].Keys[0].Value.Text, StringComparison.Ordinal);
        Assert.Contains(fleet.Notes, note => note.IsImportant && note.Text.Contains("AUTH_TOKEN", StringComparison.Ordinal));
    }

    [Fact]
    public void Ccp_bots_that_cannot_send_are_written_with_the_line_to_add()
    {
        _folder.Write("bot.json", $"[{CcpEntry}]");

        var fleet = Migrator.Read(_folder.Path);

        Assert.False(fleet.HasUserAccounts);
        Assert.Contains(fleet.Notes, note => note.IsImportant && note.Text.Contains("kind: user", StringComparison.Ordinal));
    }

    [Fact]
    public void Ccp_file_of_other_programs_is_no_environment()
    {
        _folder.Write("bot.json", """[{ "name": "x" }]""");

        Assert.Null(Migrator.ReadEnvironment(new Dictionary<string, string?>(), _folder.Path));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("bot_token")]
    [InlineData("coze_bot_id")]
    [InlineData("channel_id")]
    public void Ccp_missing_key_is_reported(string key)
    {
        _folder.Write("bot.json", $"[\n{CcpEntry.Replace($"\"{key}\"", "\"x\"", StringComparison.Ordinal)}]");

        Assert.Equal([$"bot.json:2: [0].{key}: The value is missing."], _folder.Problems(OldSystem.Ccp));
    }

    [Theory]
    [InlineData("OpenAPI_Chat_Default_Models2Conversation: 0", "history: last")]
    [InlineData("OpenAPI_Chat_Default_Models2Conversation: 1", "history: transcript")]
    [InlineData("OpenAPI_Chat_Default_Models2Conversation: 2", "history: last")]
    [InlineData("OpenAPI_Chat_Default_Models2Conversation: 3", "flatten: 3")]
    [InlineData("Disable_2000Limit_Unlock: true", "long: reject")]
    [InlineData("APIPort: 9000", "port: 9000")]
    [InlineData("UsingProxy: true\nProxyPort: 1080", "proxy: http://127.0.0.1:1080")]
    [InlineData("generate_timeout: 1", "end.cold_wait: 100ms")]
    [InlineData("API_IP_WhiteList: true", "networks: [\"127.0.0.1\"]")]
    [InlineData("Keepalive_timer: 1\nKeepalive_maxIntervalMinutes: 1", "every: 10m")]
    public void Cdb_key_becomes(string lines, string expected)
    {
        _folder.Write("Config.yml", $"{Bridge}{lines}\n");

        Assert.Contains($" {expected}", FleetText.Of(Migrator.Read(_folder.Path)).Yaml, StringComparison.Ordinal);
    }

    [Fact]
    public void Cdb_single_bot_of_early_builds_is_read()
    {
        _folder.Write("Config.yml", """
            Discord_Bot_Token: t1
            Discord_CreateChannel_Category: "1000000000000000007"
            CozeBot_id: "1000000000000000002"
            CozeBot_InServer_id: "1000000000000000001"
            APIKey: nya_0123456789
            APISSL_keyStorePath: certificate.pfx
            """);

        var fleet = Migrator.Read(_folder.Path);

        Assert.Equal(("nya_0123456789", "1000000000000000001"), (fleet.Tenants[0].Keys[0].Value.Text, fleet.Listeners[0].GuildId.Text));
        Assert.Equal([8092, 8093], fleet.Endpoints.Select(endpoint => endpoint.Port!.Value));
        Assert.Contains(fleet.Notes, note => note.Text.Contains("--certificate certificate.pfx", StringComparison.Ordinal));
    }

    [Fact]
    public void Cdb_variables_of_a_container_are_read()
    {
        _folder.Write("docker-compose.yml", """
            services:
              bridge:
                environment: { token: u1, discord_server: "1000000000000000001", coze_bot: "1000000000000000002", key: nya_0123456789 }
            """);

        var fleet = Migrator.Read(_folder.Path);

        Assert.Equal((OldSystem.Cdb, "u1"), (fleet.System, Assert.Single(fleet.Accounts).Token.Text));
    }

    [Theory]
    [InlineData("Bots: []", "Config.yml:1: Bots: There is no bot.")]
    [InlineData("Bots:\n  - { Key: a, Server_id: x, CozeBot_id: 1 }", "Config.yml:2: Bots[0].Server_id: Expected an id of Discord: decimal digits.")]
    [InlineData(Bridge + "APIPort: 0", "Config.yml:1: APIPort and APISSLPort are both 0, so nothing listened.")]
    [InlineData(Bridge + "UsingProxy: true\nProxyType: FTP", "Config.yml:4: ProxyType: Expected HTTP or SOCKS.")]
    [InlineData(Bridge + "  - { Key: k-0123456789, Token: u2, Server_id: 1000000000000000001, CozeBot_id: 1000000000000000003 }",
        "Config.yml:3: Bots[1].Key: Another bot has the same key. Give each bot a key of its own.")]
    [InlineData(Bridge + "API_IP_WhiteList: true\nAPI_IP_WhiteList_IPs: [everybody]", "Config.yml:4: API_IP_WhiteList_IPs: Expected IP addresses.")]
    [InlineData("Bots:\n  - Key: \"a\" b\n", "Config.yml:2: This is not YAML.")]
    public void Cdb_error_has_its_line(string text, string expected)
    {
        _folder.Write("Config.yml", text);

        Assert.Contains(_folder.Problems(), line => line.StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Rca_without_a_bot_is_reported()
    {
        _folder.Write(".env", "session_id=x\n");

        Assert.Equal([".env: bot_id: The id of the bot is missing. It is the number at the end of its page."], _folder.Problems());
    }

    [Fact]
    public void Rca_bot_of_the_variables_is_read_and_the_cookie_is_not()
    {
        _folder.Write(".env", "session_id=cookie-of-a-browser\nbot_id=7300000000000000001\n");

        var fleet = Migrator.Read(_folder.Path);
        var text = FleetText.Of(fleet);

        Assert.Equal(("7300000000000000001", 8080), (fleet.Bots[0].BotId.Text, fleet.Endpoints[0].Port));
        Assert.DoesNotContain("cookie-of-a-browser", text.Yaml + text.ToVariableLines(), StringComparison.Ordinal);
        Assert.Equal(["COZE_TOKEN"], text.MissingVariables);
    }

    [Fact]
    public void AiProxy_earlier_build_had_one_key_of_Gemini()
    {
        _folder.Write("c.yaml", "google_gemini:\n  api_host: generativelanguage.googleapis.com\n  api_key: g1\n  api_version: v1beta\n");

        Assert.Equal(("gemini-1", "g1"), (Migrator.Read(_folder.Path).Accounts[0].Id, Migrator.Read(_folder.Path).Accounts[0].Token.Text));
    }

    [Theory]
    [InlineData("port: x\nclaude: { api_keys: [{ id: 1, val: c }] }", "c.yaml:1: port: Expected a port such as :8999.")]
    [InlineData("openai:\n  api_keys:\n    - { id: 1 }", "c.yaml:3: openai.api_keys[0].val: The key is missing.")]
    [InlineData("coze:\n  discord: { enable: true }", "c.yaml:2: coze.discord.guild_id: The value is missing.")]
    [InlineData("coze:\n  api_chat:\n    bots: [{ bot_id: 1 }]", "c.yaml:3: coze.api_chat.bots[0].access_token: Neither the bot nor api_chat has a token.")]
    [InlineData("bing: { proxy_url: x }", "c.yaml:1: There is no API key of a provider")]
    public void AiProxy_error_has_its_line(string text, string expected)
    {
        _folder.Write("c.yaml", text);

        Assert.Contains(_folder.Problems(), line => line.StartsWith(expected, StringComparison.Ordinal));
    }
}
